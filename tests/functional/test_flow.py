"""Optical flow against scikit-image's, and warping by it."""

import numpy as np
import pytest
import torch
from skimage.registration import optical_flow_ilk, optical_flow_tvl1

from sr.errors import InputError
from sr.functional.flow import flows, visible, warped
from tests.clips import moving


def gray(frames: int = 2, step=(1, 2)) -> torch.Tensor:
    return torch.from_numpy(moving("chelsea", frames, 70, 81, step).mean(-1) / 255)


def test_lucas_kanade_is_scikit_images():
    """Which computes in float32."""
    clip = gray(3)
    made = flows(clip)
    for t in range(2):
        theirs = optical_flow_ilk(*clip[t : t + 2].float().numpy())
        assert np.abs(made[t].numpy() - theirs).mean() < 1e-4
    assert torch.allclose(flows(clip, backwards=True)[0], flows(clip.flip(0))[1])


def test_tvl1_is_scikit_images():
    clip = gray()[:, :32, :40]
    assert np.array_equal(flows(clip, "tvl1")[0].float().numpy(), optical_flow_tvl1(*clip.float().numpy()))


def test_it_finds_a_shift():
    made = flows(gray(2, (1, 2)))[0, :, 12:-12, 12:-12]
    assert torch.allclose(made[0], torch.full_like(made[0], -1.0), atol=0.02)
    assert torch.allclose(made[1], torch.full_like(made[1], -2.0), atol=0.02)


def test_warping_by_whole_pixels_is_a_shift():
    image = torch.rand(1, 3, 9, 11, dtype=torch.float64)
    flow = torch.tensor([2.0, -3.0], dtype=torch.float64).view(1, 2, 1, 1).expand(-1, -1, 9, 11)
    made, inside = warped(image, flow)
    assert torch.allclose(made[..., :-2, 3:], image[..., 2:, :-3]) and inside.sum() == 7 * 8


def test_what_moves_apart_is_not_visible():
    still, moved = torch.zeros(1, 2, 20, 20, dtype=torch.float64), torch.zeros(1, 2, 20, 20, dtype=torch.float64)
    moved[:, 1, 5:15, 5:15] = 3
    assert visible(still, still).all()
    seen = visible(moved, still)[0, 0]
    assert not seen[5:15, 5:15].any() and seen[:4, :4].all()


def test_another_method_is_one_line():
    with pytest.raises(InputError, match="^flow=farneback: choose ilk or tvl1"):
        flows(gray(), "farneback")
