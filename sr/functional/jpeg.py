"""JPEG without a file: the quantised cosine transform of libjpeg, on any device, so that pictures need not leave a GPU.

What entropy coding adds is lossless, so the pixels are those of a file but for rounding: libjpeg transforms whole numbers.
ITU-T T.81 (1992), annexes A and K.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA = np.full((8, 8), 99)
_CHROMA[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def tables(quality: int) -> np.ndarray:
    """Luma's and chroma's steps of quantisation (2, 8, 8) float32 at libjpeg's quality, 1 .. 100."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    steps = (np.stack([np.array(_LUMA), _CHROMA]) * percent + 50) // 100
    return np.clip(steps, 1, 255).astype(np.float32)


def transform() -> np.ndarray:
    """The cosine transform of 8 values, (8, 8) float32, orthonormal."""
    k, x = np.arange(8)[:, None], np.arange(8)
    return (np.cos((2 * x + 1) * k * np.pi / 16) * np.where(k == 0, np.sqrt(1 / 8), 0.5)).astype(np.float32)


def compressed(levels: Tensor, steps: Tensor, cosines: Tensor) -> Tensor:
    """(M, C, H, W) of whole levels 0 .. 255 -> the same after JPEG; RGB with 4:2:0 chroma, other bands each as a gray file.

    Args:
        steps: `tables(quality)` on the image's device.
        cosines: `transform()` there.
    """
    height, width = levels.shape[-2:]
    with torch.autocast(levels.device.type, enabled=False):
        if levels.shape[1] != 3:
            return _blocks(levels, steps[0], cosines)[..., :height, :width].round_().clamp_(0, 255)
        ycc = torch.stack([sum(levels[:, c] * weight for c, weight in enumerate(row)) for row in _TO_YCC], 1)
        ycc = _padded(ycc.round_(), 16)
        luma = _blocks(ycc[:, :1], steps[0], cosines)
        chroma = _blocks(F.avg_pool2d(ycc[:, 1:], 2).round_() + 128, steps[1], cosines).round_() - 128
        # libjpeg enlarges chroma by a triangle, three quarters of the nearer sample and one of the other: bilinear.
        chroma = F.interpolate(chroma, scale_factor=2, mode="bilinear")
        ycc = torch.cat([luma.round_(), chroma], 1)[..., :height, :width]
        rgb = torch.stack([sum(ycc[:, c] * weight for c, weight in enumerate(row)) for row in _TO_RGB], 1)
        return rgb.round_().clamp_(0, 255)


def _padded(image: Tensor, block: int) -> Tensor:
    """To whole blocks; the last row and column are repeated, as libjpeg does."""
    return F.pad(image, (0, -image.shape[-1] % block, 0, -image.shape[-2] % block), mode="replicate")


def _blocks(planes: Tensor, steps: Tensor, cosines: Tensor) -> Tensor:
    """Quantise the 8 x 8 blocks of planes (M, C, H, W) of levels 0 .. 255; the result may be larger, by whole blocks."""
    padded = _padded(planes, 8)
    m, c, h, w = padded.shape
    blocks = (padded - 128).view(m, c, h // 8, 8, w // 8, 8).transpose(3, 4)
    found = torch.round(cosines @ blocks @ cosines.T / steps) * steps
    return (cosines.T @ found @ cosines).transpose(3, 4).reshape(m, c, h, w) + 128
