"""RGB, luma (Y) and YCbCr in studio range BT.601: MATLAB's rgb2ycbcr, which SR papers use to measure PSNR and SSIM.

ITU-R BT.601-7, section 2.5. Full-range conversions (OpenCV, kornia, PIL) give a PSNR about 1.3 dB lower.
"""

import torch
from torch import Tensor

from sr.errors import InputError

# Rows Y, Cb, Cr for RGB in [0, 1]; the results are on the 0..255 scale, Y in 16..235, Cb and Cr in 16..240.
_TO_YCBCR = ((65.481, 128.553, 24.966), (-37.797, -74.203, 112.0), (112.0, -93.786, -18.214))
_OFFSET = (16.0, 128.0, 128.0)
_TO_GRAY = torch.linalg.inv(  # MATLAB's rgb2gray: row Y of the inverse of NTSC's matrix from YIQ, hence 0.2989, 0.5870, 0.1140
    torch.tensor(((1.0, 0.956, 0.621), (1.0, -0.272, -0.647), (1.0, -1.106, 1.703)), dtype=torch.float64)
)[0].tolist()
_TO_RGB = torch.linalg.inv(torch.tensor(_TO_YCBCR, dtype=torch.float64)).tolist()


def has_luma(bands: int) -> bool:
    """Whether images with this number of bands have luma: only RGB. Gray images are measured unchanged, in 0..255, not
    16..235."""
    return bands == 3


def rgb_to_y(rgb: Tensor) -> Tensor:
    """RGB (..., 3, H, W) in [0, 1] -> luma (..., 1, H, W) in [16/255, 235/255], unrounded.

    Y = (16 + 65.481 R + 128.553 G + 24.966 B) / 255. InputError: another number of bands, which has no luma.
    """
    return (_mix(_rgb_planes(rgb), _TO_YCBCR[0]) + _OFFSET[0]) / 255


def rgb_to_gray(rgb: Tensor) -> Tensor:
    """RGB (..., 3, H, W) -> full-range luma (..., 1, H, W) in the same range, unrounded: MATLAB's rgb2gray of a double
    image."""
    return _mix(_rgb_planes(rgb), _TO_GRAY)


def rgb_to_ycbcr(rgb: Tensor) -> Tensor:
    """RGB (..., 3, H, W) in [0, 1] -> Y, Cb, Cr (..., 3, H, W), MATLAB's rgb2ycbcr of a double image, unrounded."""
    planes = _rgb_planes(rgb)
    return torch.cat([(_mix(planes, row) + o) / 255 for row, o in zip(_TO_YCBCR, _OFFSET, strict=True)], dim=-3)


def ycbcr_to_rgb(ycbcr: Tensor) -> Tensor:
    """Y, Cb, Cr (..., 3, H, W) from `rgb_to_ycbcr` -> RGB (..., 3, H, W); the exact inverse, not clipped to [0, 1]."""
    planes = [plane * 255 - o for plane, o in zip(_rgb_planes(ycbcr), _OFFSET, strict=True)]
    return torch.cat([_mix(planes, row) for row in _TO_RGB], dim=-3)


def _rgb_planes(image: Tensor) -> tuple[Tensor, ...]:
    if image.ndim < 3 or not has_luma(image.shape[-3]):
        raise InputError(f"expected RGB (N, 3, H, W), got {tuple(image.shape)}: other bands have no luma")
    return image.split(1, dim=-3)


def _mix(planes: tuple[Tensor, ...] | list[Tensor], weights: tuple[float, ...] | list[float]) -> Tensor:
    # Sums of products instead of a matmul or a 1x1 convolution, which autocast turns into bf16 or TF32: too coarse for Y.
    return planes[0] * weights[0] + planes[1] * weights[1] + planes[2] * weights[2]
