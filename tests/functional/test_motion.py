"""Shifts by fractions of a pixel, and rotations."""

import math

import numpy as np
import torch
from scipy import ndimage

from sr.functional.motion import moved, rotated
from sr.functional.resize import imresize
from tests.bursts import photo


def test_without_a_shift_it_is_matlabs_bicubic():
    for scale in (1, 2, 3, 4):
        torch.testing.assert_close(moved(photo(24), torch.zeros(1, 2), scale), imresize(photo(24), scale), atol=1e-6, rtol=0)


def test_whole_shifts_copy_pixels():
    image, shift = torch.rand(2, 1, 9, 8), torch.tensor([[2.0, -3.0], [0.0, 1.0]])
    made = moved(image, shift)
    assert torch.equal(made[0, 0, :7, 3:], image[0, 0, 2:, :5]) and torch.equal(made[1, 0, :, :7], image[1, 0, :, 1:])
    assert torch.equal(made[0, 0, 7, 3:], image[0, 0, 8, :5])  # mirrored, with repeated edges
    assert torch.equal(made[0, 0, :7, 0], image[0, 0, 2:, 2])


def test_a_wave_moves_by_its_shift():
    """Cubic convolution is of third order: a wave of 16 pixels is off by at most 0.3 %."""
    y, x = torch.meshgrid(torch.arange(40.0), torch.arange(32.0), indexing="ij")
    k = 2 * math.pi / 16
    made = moved((k * y + 0.5 * k * x).sin()[None, None], torch.tensor([[0.3, -1.45]]))
    expected = (k * (y + 0.3) + 0.5 * k * (x - 1.45)).sin()
    assert (made[0, 0] - expected)[4:-4, 4:-4].abs().max() < 3e-3


def test_the_patch_of_a_moved_picture_is_the_moved_patch():
    shift = torch.tensor([[0.37, -1.21]])
    whole, patch = moved(photo(64), shift), moved(photo(64)[..., 10:50, 8:60], shift)
    assert torch.equal(whole[..., 16:44, 14:54], patch[..., 6:34, 6:46])


def test_rotation_is_that_of_scipy():
    image = torch.from_numpy(ndimage.gaussian_filter(np.random.default_rng(0).random((33, 41)), 3).astype(np.float32))
    made = rotated(image[None, None], torch.tensor([0.05]))[0, 0]
    expected = ndimage.rotate(image.numpy(), math.degrees(0.05), reshape=False, order=3, mode="reflect")
    opposite = ndimage.rotate(image.numpy(), -math.degrees(0.05), reshape=False, order=3, mode="reflect")
    off = [np.abs(made.numpy() - one)[6:-6, 6:-6].max() for one in (expected, opposite)]
    assert min(off) < 1e-3 < max(off)
