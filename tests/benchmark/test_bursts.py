"""Bursts as evaluation sets."""

import pytest
import torch
from PIL import Image

from sr.benchmark.bursts import BurstInputs, Bursts
from sr.degradation.pipeline import Pipeline
from sr.errors import InputError, MissingError
from sr.functional.resize import imresize
from sr.image.file import to_pixels
from tests.bursts import burst, chain, photo


@pytest.fixture
def hr(tmp_path):
    """A folder with one picture of 48x48 pixels."""
    (tmp_path / "hr").mkdir()
    Image.fromarray(to_pixels(photo(48))).save(tmp_path / "hr" / "face.png")
    return tmp_path / "hr"


def made(hr, **options):
    return Bursts("bursts", hr, 2, Pipeline("burst,bicubic", chain(frames=[1, 4]), {"burst": {}}), **options)


def test_bursts_are_always_the_same_and_begin_with_the_same_frames(hr):
    four, two = made(hr), made(hr, frames=2)
    item = four[0]
    assert item["name"] == "face" and item["lr"].shape == (4, 3, 24, 24) and item["lr"].dtype == torch.uint8
    assert torch.equal(item["lr"], made(hr)[0]["lr"]) and torch.equal(two[0]["lr"], item["lr"][:2])
    assert not torch.equal(made(hr, seed=1)[0]["lr"], item["lr"])
    first = imresize(photo(48), 0.5, rounding=255)[0]
    assert torch.equal(item["hr"].float() / 255, photo(48)[0]) and torch.equal(item["lr"][0].float() / 255, first)


def test_results_of_other_bursts_are_told_apart(hr):
    four = made(hr)
    assert four.record["target"] == "HR as in the file, from 4 frames" and four.record["images"] == 1
    made(hr, expected=four.record).prepare()
    with pytest.raises(InputError, match=r"^benchmark bursts: .* from 4 frames and here .*benchmark.bursts.expected=null"):
        made(hr, expected=four.record, frames=2).prepare()
    with pytest.raises(InputError, match=r"^benchmark bursts: degradation=\[bicubic\] makes no bursts: pass \[burst,bicubic\]"):
        still = chain()
        del still.stages["burst"]
        still.makes_bursts = False
        Bursts("bursts", hr, 2, Pipeline("bicubic", still, {}))


def test_real_bursts_are_folders_of_frames(tmp_path):
    frames = burst(32, frames=3)[0][0]
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for number, frame in enumerate(frames):
            Image.fromarray(to_pixels(frame[None])).save(tmp_path / folder / f"{number:02}.png")
    inputs = BurstInputs("real", tmp_path, 2)
    inputs.prepare()
    assert inputs.names == ["a", "b"] and inputs[1]["lr"].shape == (3, 3, 16, 16) and inputs[1]["scale"] == 2
    one = BurstInputs("real", tmp_path / "a", 2, frames=2)
    assert one.names == ["a"] and torch.equal(one[0]["lr"], inputs[0]["lr"][:2])
    Image.new("RGB", (9, 16)).save(tmp_path / "b" / "03.png")
    with pytest.raises(InputError, match="03.png: 9x16 pixels, but the first frame has 16x16: frames of a"):
        inputs.prepare()
    with pytest.raises(MissingError, match="no bursts in .*nothing: a burst is a folder of images"):
        len(BurstInputs("real", tmp_path / "nothing", 2))
