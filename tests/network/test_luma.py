import pytest
import torch
from torch import Tensor

from sr.functional.color import rgb_to_y, rgb_to_ycbcr
from sr.functional.resize import imresize
from sr.network.luma import LumaNetwork
from sr.network.vdsr import VDSR


class Constant(LumaNetwork):
    """Y = 0.5 everywhere, so that all that is left of the image is its chroma."""

    def forward_luma(self, y: Tensor) -> Tensor:
        return torch.full((y.shape[0], 1, y.shape[2] * self.scale, y.shape[3] * self.scale), 0.5)


@pytest.fixture
def rgb() -> Tensor:
    return torch.rand(2, 3, 17, 23, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_chroma_is_bicubic_and_luma_is_the_network_s(rgb, scale):
    ycbcr = rgb_to_ycbcr(Constant(scale=scale)(rgb))
    torch.testing.assert_close(ycbcr[:, 1:], rgb_to_ycbcr(imresize(rgb, scale))[:, 1:], atol=1e-5, rtol=0)
    torch.testing.assert_close(ycbcr[:, :1], torch.full_like(ycbcr[:, :1], 0.5), atol=1e-5, rtol=0)


def test_one_channel_goes_straight_to_the_network(rgb):
    network = VDSR(scale=2, n_feats=8, n_blocks=2).eval()
    y = rgb_to_y(rgb)
    assert torch.equal(network(y), network.forward_luma(y))
    torch.testing.assert_close(rgb_to_y(network(rgb)), network(y), atol=1e-5, rtol=0)


@pytest.mark.parametrize("scale", [1, 5, 8])
def test_unsupported_scale(scale):
    with pytest.raises(ValueError, match=f"^scale {scale} is not supported; choose one of 2, 3, 4$"):
        Constant(scale=scale)
