import numpy as np
import pytest
import torch
from skimage import data
from skimage.color import rgb2ycbcr

from sr.functional.color import rgb_to_y, rgb_to_ycbcr, ycbcr_to_rgb


@pytest.fixture(scope="module")
def rgb() -> torch.Tensor:
    return torch.from_numpy(data.astronaut().astype(np.float64) / 255).permute(2, 0, 1)[None]


def test_agrees_with_skimage_which_ports_matlab(rgb):
    expected = torch.from_numpy(rgb2ycbcr(rgb[0].permute(1, 2, 0).numpy())).permute(2, 0, 1)[None]
    torch.testing.assert_close(rgb_to_ycbcr(rgb) * 255, expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(rgb_to_y(rgb) * 255, expected[:, :1], rtol=0, atol=1e-10)
    torch.testing.assert_close(rgb_to_y(rgb.float()) * 255, expected[:, :1].float(), rtol=0, atol=1e-4)


def test_black_and_white_have_studio_range():
    assert (rgb_to_y(torch.zeros(1, 3, 1, 1)) * 255).item() == pytest.approx(16)
    assert (rgb_to_y(torch.ones(2, 3, 1, 1)) * 255)[1].item() == pytest.approx(235)


def test_inverse(rgb):
    torch.testing.assert_close(ycbcr_to_rgb(rgb_to_ycbcr(rgb)), rgb, rtol=0, atol=1e-12)


def test_autocast_costs_no_precision(rgb):
    rgb = rgb.float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, back = rgb_to_y(rgb), ycbcr_to_rgb(rgb)
    assert torch.equal(y, rgb_to_y(rgb)) and torch.equal(back, ycbcr_to_rgb(rgb))


@pytest.mark.parametrize("function", [rgb_to_y, rgb_to_ycbcr, ycbcr_to_rgb])
def test_other_shapes_are_refused(function):
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\), got \(1, 1, 4, 4\)"):
        function(torch.zeros(1, 1, 4, 4))
