"""Training over scales: the scale of a batch is a pure function of the seed and its samples, for any number of workers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from sr.augmentation.chain import Chain as Augmentations
from sr.augmentation.cutblur import CutBlur
from sr.augmentation.flip import Flip
from sr.augmentation.turn import Turn
from sr.data.mixture import Mixture
from sr.data.plan import Phase, Plan
from sr.data.scales import ScaledPatches, Scales, chosen
from sr.data.stream import unchanged
from sr.degradation.bicubic import Bicubic
from sr.degradation.chain import Chain
from sr.degradation.noise import Noise
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image.file import to_pixels
from sr.image.kind import PHOTO
from sr.image.photograph import photograph
from sr.network.inputs import sampled

PLAN = Plan(seed=5, phases=(Phase(0, 12, 4),))
BICUBIC = Chain({"bicubic": Bicubic(2)}, 2)


@pytest.fixture(scope="module")
def photos():
    photo = to_pixels(photograph(160, 3))
    return Mixture([[photo[:70], photo[70:, :100]]])


def patches(photos, plan=PLAN, scales=(1, 4), count=30, stages=None):
    moves = Augmentations(stages or {})
    return ScaledPatches(photos, plan, Scales(scales, count, BICUBIC, moves), BICUBIC, moves, None)


def test_scales_fill_the_range_and_depend_on_the_seed_and_the_batch_alone(photos):
    scales = Scales([1, 4], None, BICUBIC, Augmentations({}))
    drawn = np.array([scales.of(PLAN, batch) for batch in range(400)])
    assert 1 <= drawn.min() < 1.05 and 3.95 < drawn.max() < 4 and abs(drawn.mean() - 2.5) < 0.15
    halves = [replace(PLAN, rank=rank, world_size=2) for rank in (0, 1)]
    assert [scales.of(plan, 7) for plan in halves] == [drawn[7]] * 2
    whole, parts = patches(photos).batch(7), [patches(photos, plan).batch(7) for plan in halves]
    for key in ("hr", "pixels"):
        assert torch.equal(whole[key], torch.cat([part[key] for part in parts]))
    assert scales.of(replace(PLAN, seed=6), 7) != drawn[7]


def test_any_number_of_workers_gives_the_same_batches(photos):
    alone = [patches(photos).batch(n) for n in range(4)]
    loader = iter(DataLoader(patches(photos), batch_size=None, collate_fn=unchanged, num_workers=2))
    for one in alone:
        other = next(loader)
        assert one["scale"] == other["scale"] and torch.equal(one["hr"], other["hr"])
        assert torch.equal(one["pixels"], other["pixels"])


def test_lr_is_bicubic_of_hr_and_its_surroundings(photos):
    for batch in range(6):
        made = patches(photos, stages={"flip": Flip(), "turn": Turn()})
        given = made.batch(batch)
        found = made.scales.finish(given, made.augmentation, PHOTO)
        side = found["hr"].shape[-1]
        assert found["lr"].shape[-2:] == (12, 12) and side == round(12 * made.scales.of(PLAN, batch))
        torch.testing.assert_close(found["scale"], torch.full((4,), side / 12))
        again = imresize(found["hr"], size=(12, 12), rounding=True)  # without the pixels around: equal inside
        inside = slice(3, -3)
        assert (found["lr"] - again)[..., inside, inside].abs().max() < 1.001 / 255


def test_sampled_pixels_are_different_ones_and_those_of_hr(photos):
    batch = patches(photos).scales.finish(patches(photos).batch(3), Augmentations({}), PHOTO)
    places, hr = batch["pixels"], batch["hr"]
    assert places.shape == (4, 30) and all(len(set(row.tolist())) == 30 for row in places)
    found = sampled(hr, places)
    y, x = divmod(places[2, 7].item(), hr.shape[-1])
    assert found.shape == (4, 3, 30, 1) and torch.equal(found[2, :, 7, 0], hr[2, :, y, x])
    assert "pixels" not in patches(photos, count=None).batch(3)
    every = chosen([1, 2], 20, 20)
    assert (every == np.arange(20)).all()
    counts = np.bincount(chosen(range(2000), 10, 3).ravel(), minlength=10)
    assert counts.sum() == 6000 and counts.min() > 500 and counts.max() < 700


@pytest.mark.parametrize(
    "change, line",
    [
        ({"scales": [0, 4]}, r"data.scales=\[0, 4\]: pass the smallest and the largest scale, such as \[1,4\]"),
        ({"scales": [4, 2]}, r"data.scales=\[4, 2\]: pass"),
        ({"scales": []}, r"data.scales=\[\]: pass"),
        ({"scales": 4}, "data.scales=4: pass"),
        ({"scales": [1, float("inf")]}, "data.scales=.*: pass"),
        ({"sample_pixels": 0}, "data.sample_pixels=0: pass a number of pixels such as 2304"),
        (
            {"degradation": Chain({"bicubic": Bicubic(2), "noise": Noise()}, 2)},
            r"degradation=\[bicubic,noise\]: with data",
        ),
        ({"augmentation": Augmentations({"cutblur": CutBlur()})}, "augmentation=cutblur cannot be combined with data.scales"),
    ],
)
def test_what_cannot_be(change, line):
    options = {"scales": [1, 4], "sample_pixels": None, "degradation": BICUBIC, "augmentation": Augmentations({})}
    with pytest.raises(InputError, match=line):
        Scales(**{**options, **change})


def test_networks_that_cannot_be_trained_over_scales():
    scales = Scales([1, 4], 30, BICUBIC, Augmentations({}))
    for wanted, paired, line in (
        ([], False, "the network has one scale"),
        (["size"], False, "no argument pixels in forward"),
        (["size", "pixels"], True, "LR files, of one scale"),
    ):
        with pytest.raises(InputError, match=line):
            scales.check(wanted, paired)
