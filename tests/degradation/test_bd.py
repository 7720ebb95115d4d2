"""BD of papers on video against its MATLAB code in NumPy and SciPy."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from sr.degradation.bd import BD
from sr.degradation.chain import Chain
from sr.errors import InputError
from tests.clips import moving


def matlab(gt: np.ndarray, scale: int = 4, sigma: float = 1.6) -> np.ndarray:
    """BD_degradation.m of github.com/ckkelvinchan/BasicVSR-IconVSR for (H, W, C) in [0, 1], line by line."""
    size = int(np.ceil(sigma * 3) * 2 + 2)
    x = np.arange(size) - (size - 1) / 2  # fspecial
    kernel = np.exp(-(x[:, None] ** 2 + x[None] ** 2) / (2 * sigma**2))
    kernel[kernel < np.finfo(float).eps * kernel.max()] = 0
    kernel /= kernel.sum()
    # imfilter correlates with the kernel's centre at floor((size + 1) / 2), counted from 1; ndimage's is at size // 2, from 0.
    origin = (size + 1) // 2 - 1 - size // 2
    filtered = ndimage.correlate(gt, kernel[..., None], mode="nearest", origin=(origin, origin, 0))
    first, last = scale // 2 - 1, -(scale // 2)
    rows, columns = (slice(first, length + last, scale) for length in gt.shape[:2])
    return filtered[rows, columns]


@pytest.mark.parametrize("scale", [2, 4])
def test_as_the_authors_matlab_code(scale):
    clip = moving("chelsea", 2, 40, 48)
    made = BD(scale)(torch.from_numpy(clip).permute(0, 3, 1, 2)[None].double() / 255, {})
    assert made.shape == (1, 2, 3, 40 // scale, 48 // scale)
    for frame, lr in zip(clip, made[0], strict=True):
        np.testing.assert_allclose(lr.permute(1, 2, 0).numpy(), matlab(frame / 255, scale), atol=1e-12)


def test_a_patch_with_its_margin_is_the_crop_of_the_whole():
    chain = Chain({"bd": BD(4)}, 4)
    hr = torch.from_numpy(moving("chelsea", 1, 64, 64)).permute(0, 3, 1, 2).float() / 255
    assert chain.margin == 4
    assert torch.equal(chain(hr[..., 12:36, 12:36], {})[..., 1:-1, 1:-1], chain(hr, {})[..., 4:8, 4:8])


def test_odd_scales_are_refused():
    with pytest.raises(InputError, match="^degradation=bd needs an even scale"):
        BD(3)
