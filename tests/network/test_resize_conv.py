import pytest
import torch

from sr.network.resize_conv import ResizeConv


def test_no_checkerboard(build):
    """A flat image stays flat inside, before any training; a transposed convolution would leave a pattern."""
    network = build("resize_conv", 4)
    with torch.inference_mode():
        inside = network(torch.full((1, 3, 24, 24), 0.5))[..., 32:-32, 32:-32]
    assert inside.flatten(2).std(-1).max() < 1e-6


def test_needs_a_block():
    with pytest.raises(ValueError, match="^n_blocks 0 is not supported"):
        ResizeConv(n_blocks=0)
