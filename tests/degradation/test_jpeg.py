import kornia
import numpy as np
import pytest
import torch

from sr.degradation.jpeg import JPEG
from sr.functional.draws import Draws


def test_each_sample_has_its_quality_as_kornia_simulates_it(patches):
    """kornia's differentiable JPEG (Reich et al. 2024) is near the file of the same quality, and of no other."""
    qualities = torch.tensor([10, 30, 50, 75, 95])
    made = JPEG()(patches, {"quality": qualities})
    for image, quality, lr in zip(patches, qualities, made, strict=True):
        simulated = kornia.enhance.jpeg_codec_differentiable(image.expand(5, -1, -1, -1), qualities.float())
        error = (simulated - lr).square().mean((1, 2, 3)).sqrt() * 255
        assert qualities[error.argmin()] == quality
        assert error.min() < 4


@pytest.mark.parametrize("size", [(49, 37), (8, 5), (1, 1)])
def test_any_size(patches, size):
    patches = patches[..., : size[0], : size[1]]
    made = JPEG()(patches, {"quality": torch.full((5,), 100)})
    assert made.shape == patches.shape
    assert (made.mean((2, 3)) - patches.mean((2, 3))).abs().max() < 4 / 255


def test_quality_range_has_both_ends():
    quality = JPEG(quality=[40, 43]).sample(Draws(0, 0, 1000, "test"))["quality"]
    assert quality.dtype == np.int64 and set(quality) == {40, 41, 42, 43}


def test_one_channel(photo):
    assert JPEG()(photo[:, :1], {"quality": torch.tensor([80])}).shape == (1, 1, 240, 336)


@pytest.mark.parametrize("quality", [(95, 30), (0, 50), (50, 101), 40, ["low", "high"], None, (40.5, 60.5)])
def test_errors(quality):
    with pytest.raises(ValueError, match="quality must be"):
        JPEG(quality)
