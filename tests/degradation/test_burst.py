"""Simulated bursts."""

import numpy as np
import pytest
import torch

from sr.degradation.bicubic import Bicubic
from sr.degradation.burst import Burst
from sr.degradation.chain import Chain
from sr.degradation.noise import Noise
from sr.errors import InputError
from sr.functional.draws import Draws
from sr.functional.resize import imresize
from tests.bursts import chain, photo


def test_a_sample_is_a_function_of_seed_and_number_and_more_frames_begin_with_the_same():
    few, many = Burst(lr_pixel=2, frames=[1, 4], rotation=1), Burst(lr_pixel=2, frames=9, rotation=1)
    together, alone = few.sample(Draws(3, 0, 40, "x")), few.sample(Draws(3, 5, 1, "x"))
    for key, value in alone.items():
        assert np.array_equal(together[key][5:6], value)
    assert np.array_equal(many.sample(Draws(3, 0, 40, "x"))["shift"][:, :4], together["shift"])
    assert set(together["frames"]) == {1, 2, 3, 4} and (together["shift"][:, 0] == 0).all()
    assert 1.5 < np.abs(together["shift"]).max() <= 2 and np.abs(together["angle"]).max() <= np.radians(1)


def test_frames_are_the_exact_lr_of_moved_pictures():
    """The first of HR itself; with a move by whole HR pixels, of HR rolled by them."""
    made = chain(2, frames=3)
    drawn = made.sample(Draws(0, 0, 1, "x"))
    drawn["burst.shift"][0, 1] = (3, -2)
    lr = made(photo(48), drawn)
    assert lr.shape == (1, 3, 3, 24, 24)
    assert torch.equal(lr[:, 0], imresize(photo(48), 0.5, rounding=255))
    rolled = imresize(photo(48).roll((-3, 2), (-2, -1)), 0.5, rounding=255)
    assert torch.equal(lr[:, 1, :, 4:-4, 4:-4], rolled[..., 4:-4, 4:-4]) and not torch.equal(lr[:, 2], lr[:, 0])


def test_a_patch_of_lr_is_the_crop_of_the_whole():
    made = chain(2, frames=4, shift=1.5)
    drawn = made.sample(Draws(0, 0, 1, "x"))
    margin = made.reach(drawn, 8)
    assert margin == made.margin == 10  # 3 of the shift, 2 of its interpolation, 4 of bicubic, whole LR pixels
    whole, top = made(photo(96), drawn), 20
    patch = made(photo(96)[..., top : top + 16 + 2 * margin, top : top + 16 + 2 * margin], drawn)
    first, m = top // 2 + margin // 2, margin // 2
    assert torch.equal(patch[..., m : m + 8, m : m + 8], whole[..., first : first + 8, first : first + 8])
    turning = Burst(lr_pixel=2, rotation=2)
    assert turning.reach({}, 200) == 9 and turning.reach({}, 0) == turning.margin == 4  # 2 of the shift, 5 of the corner


def test_each_frame_has_its_own_noise_and_the_batch_tells_how_many_may_be_used():
    noise = Noise(sigma=[10, 10], poisson_probability=0, gray_probability=0)
    made = Chain({"burst": Burst(lr_pixel=2, frames=[2, 5], shift=0), "bicubic": Bicubic(2), "noise": noise}, 2)
    drawn = made.sample(Draws(0, 0, 2, "x"))
    lr = made(photo(48).expand(2, -1, -1, -1), drawn)
    assert lr.shape[:2] == (2, 5) and (lr[0, 1] - lr[0, 2]).std() > 0.04
    told = made.told(drawn, torch.device("cpu"))
    assert told["burst_frames"].tolist() == drawn["burst.frames"].tolist()
    assert "burst_frames" not in chain(frames=3).told(drawn, torch.device("cpu"))
    assert made.words(drawn, 2)[0].startswith(f"{drawn['burst.frames'][0]} frames, bicubic 1/2")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"frames": 0}, r"burst: frames=0: pass a number from 1 up, or two, \[low, high\]"),
        ({"frames": [4, 2]}, r"burst: frames=\[4, 2\]"),
        ({"shift": -1}, "degradation.burst.shift=-1: pass a number from 0 up"),
        ({"rotation": 90}, "degradation.burst.rotation=90: pass a number from 0 up below 45"),
    ],
)
def test_invalid_options(options, says):
    with pytest.raises(InputError, match=f"^{says}"):
        Burst(lr_pixel=2, **options)


def test_clips_are_refused():
    made = chain(frames=2)
    with pytest.raises(InputError, match=r"makes bursts of pictures .* not of \(1, 2, 3, 48, 48\): remove it$"):
        made(photo(48)[:, None].expand(1, 2, 3, 48, 48), made.sample(Draws(0, 0, 1, "x")))
