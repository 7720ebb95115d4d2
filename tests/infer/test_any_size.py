"""Networks of any scale, `forward(lr, size=(H, W))`: whole and in tiles, against MATLAB's imresize by that scale."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import sr
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image.file import Image, to_pixels
from sr.image.photograph import photograph
from sr.infer.reach import reach
from sr.infer.strips import factor_of, shape, strips
from sr.infer.upscaler import Upscaler, upscale
from sr.model.enlarge import Enlarger
from sr.network.compact import Compact
from sr.network.interpolation import Interpolation
from tests.network.further import Scaled

PHOTO = photograph(140, 3)[..., :131, :]  # a side that is no multiple of what a scale of 3.7 needs


class Wide(nn.Module):
    """x1.5 to 4 for sizes of whole windows alone."""

    scale, multiple_of, scales = 2, 4, (1, 4)

    def forward(self, lr, size):
        assert lr.shape[-2] % 4 == lr.shape[-1] % 4 == 0
        return F.interpolate(lr, size=size, mode="bilinear", align_corners=False)


@pytest.fixture(scope="module")
def scaled():
    torch.manual_seed(0)
    return Scaled(n_feats=8, n_blocks=2).eval()


@pytest.mark.parametrize("scale", [1, 1.3, 1.5, 2, 3.7, 4 / 3, 3.14, 0.5])
def test_bicubic_is_matlabs_by_that_scale(scale):
    result = upscale(Interpolation(scale=2), PHOTO, scale=scale)
    height, width = (round(side * scale) for side in PHOTO.shape[-2:])
    assert result.shape == (1, 3, height, width)
    expected, inside = imresize(PHOTO, scale), math.ceil(4 * max(scale, 1))  # at the end an upscaler mirrors otherwise
    torch.testing.assert_close(
        result[..., : height - inside, : width - inside],
        expected[..., : height - inside, : width - inside],
        atol=2e-6,
        rtol=0,
    )


@pytest.mark.parametrize("scale", [1.3, 2, 3.7, 4 / 3, 3.14])
@pytest.mark.parametrize("ensemble", [False, True])
def test_tiles_are_the_whole_image(scaled, scale, ensemble):
    """Not a seam: the pixels of a tile lie where those of the whole image lie, at any scale."""
    tiled = upscale(scaled, PHOTO, scale=scale, tile=60, overlap=16, ensemble=ensemble)
    whole = upscale(scaled, PHOTO, scale=scale, ensemble=ensemble)
    torch.testing.assert_close(tiled, whole, atol=1e-5, rtol=0)


def test_tiles_that_begin_anywhere_would_have_seams(scaled):
    """What the grid is for: two halves, each enlarged to the nearest whole number of pixels, against the whole."""
    whole, half = upscale(scaled, PHOTO, scale=3.7), 73
    below = upscale(scaled, PHOTO[..., half:, :], scale=3.7)
    apart = (below - whole[..., -below.shape[-2] :, :])[..., 60:-30, :].abs().max()
    assert apart > 0.005


def test_windows_of_attention_and_halved_tiles(monkeypatch):
    network = Wide()
    whole = upscale(network, PHOTO, scale=2.5)
    assert whole.shape[-2:] == (round(131 * 2.5), 350)
    torch.testing.assert_close(upscale(network, PHOTO, scale=2.5, tile=40, overlap=8), whole, atol=1e-5, rtol=0)
    forward = Wide.forward

    def short(self, lr, size):
        if max(lr.shape[-2:]) > 48:
            raise torch.OutOfMemoryError("out of memory")
        return forward(self, lr, size)

    monkeypatch.setattr(Wide, "forward", short)
    halved = Upscaler(network, scale=2.5, tile=96, overlap=8, halve=True, batch=2)
    torch.testing.assert_close(halved(PHOTO), whole, atol=1e-5, rtol=0)
    assert halved.tile <= 48


@pytest.mark.parametrize("size", [(200, 333), (262, 280), (131, 140), (487, 301)])
def test_a_size_as_of_a_benchmark(scaled, size):
    known = {"scale": torch.tensor([2.0])}
    with torch.no_grad():
        expected = scaled(PHOTO, known["scale"], size)
    whole = Enlarger()(scaled, PHOTO, "photo", {"size": size, **known})
    torch.testing.assert_close(whole, expected)
    tiled = Upscaler(scaled, tile=50, overlap=16, further=known)(PHOTO, size)
    assert tiled.shape == expected.shape
    exact = all(Fraction(a, b).denominator <= 100 for a, b in zip(size, PHOTO.shape[-2:], strict=True))
    error = (tiled - expected)[..., 8:-8, 8:-8].abs()
    assert error.max() < 1e-5 if exact else error.mean() < 2e-3  # tiles of 131 to 200 are an approximation


def test_strips_are_the_whole_image(scaled):
    upscaler, image = Upscaler(scaled, scale=3.7, tile=60), Image(to_pixels(PHOTO), alpha=to_pixels(PHOTO)[..., 0] | 1)
    assert shape(image, factor_of(upscaler, 3.7)) == (485, 518, 4)
    made = np.concatenate(list(strips(upscaler, image, outscale=3.7)))
    expected = to_pixels(upscale(scaled, PHOTO, scale=3.7)).astype(int)
    assert made.shape == (485, 518, 4) and np.abs(made[..., :3] - expected).max() <= 1


def test_another_outscale_than_the_upscalers_is_resized_as_ever():
    image = Image(to_pixels(PHOTO))
    made = np.concatenate(list(strips(Upscaler(Interpolation(scale=2)), image, outscale=1.5)))
    expected = to_pixels(imresize(imresize(PHOTO, 2), size=made.shape[:2])).astype(int)
    assert made.shape[:2] == (196, 210) and np.abs(made - expected).max() <= 1


def test_outside_of_the_range_it_was_trained_for_one_line_warns(scaled):
    with pytest.warns(UserWarning, match="^scale=4.5: Scaled was trained for 1 to 4; expect artefacts$"):
        sr.upscale(scaled, PHOTO[..., :10, :10], scale=4.5)


@pytest.mark.parametrize(
    "network, scale, line",
    [
        (Compact(scale=2, n_feats=4, n_blocks=1), 3.7, "scale=3.7: Compact only upscales by 2"),
        (Interpolation(scale=2), 2.004, "scale=2.004: choose a factor with at most two decimals, such as 2.0"),
        (Interpolation(scale=2), -1, "scale=-1: choose a factor such as 3.7"),
        (Interpolation(scale=2), math.nan, "scale=nan: choose a factor"),
    ],
)
def test_scales_that_cannot_be(network, scale, line):
    with pytest.raises(InputError, match=line):
        upscale(network, PHOTO, scale=scale)


def test_reach_of_a_network_of_any_scale(scaled):
    assert reach(scaled) == 5  # three convolutions before it is enlarged, not quite 2 pixels then, half of one afterwards
