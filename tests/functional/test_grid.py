"""Grids of real upsampling: transposed convolutions make them, photographs and interpolation have none."""

import pytest
import torch
from skimage import data
from torch import Tensor, nn

from sr.functional.grid import grid
from sr.functional.resize import imresize


@pytest.fixture(scope="module")
def photo() -> Tensor:
    return torch.from_numpy(data.chelsea()[:288, :448]).permute(2, 0, 1)[None] / 255


@pytest.mark.parametrize("period", [2, 3, 4])
def test_a_wave_has_its_amplitude(photo, period):
    """Of a cosine its root mean square, 1 / sqrt(2) of its peak; the highest frequency is all peak."""
    wave = torch.cos(2 * torch.pi * torch.arange(photo.shape[-1]) / period)
    expected = 0.02 * (1 if period == 2 else 0.5**0.5)
    assert grid(photo + 0.02 * wave, period) == pytest.approx(expected, rel=0.15)
    assert grid((photo + 0.02 * wave).mT, period) == pytest.approx(expected, rel=0.15)
    assert grid(photo, period) < 0.001


def test_transposed_convolutions_make_a_checkerboard(photo):
    """Kernel 3 at stride 2: pixels are sums of one, two or four weights (Odena et al. 2016, figure 2)."""
    lr = imresize(photo, 1 / 2)
    layer = nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1, output_padding=1, bias=False)
    with torch.no_grad():
        nn.init.constant_(layer.weight, 4 / 9)
        sr = layer(lr.transpose(0, 1)).transpose(0, 1)
        nn.init.constant_(layer.weight, 0)
        layer.weight[:, :, 1:, 1:] = 1  # kernel 2 at stride 2 overlaps nowhere
        even = layer(lr.transpose(0, 1)).transpose(0, 1)
    assert grid(sr, 2) > 0.05
    assert grid(even, 2) < 0.004 and grid(imresize(lr, 2), 2) < 0.001


def test_frames_and_images_too_small(photo):
    assert grid(torch.stack([photo, photo], 1), 4) == pytest.approx(grid(photo, 4), abs=1e-7)
    assert grid(photo[..., :60, :60], 4) == 0 and grid(photo, 1) == 0
