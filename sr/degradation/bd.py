"""BD of papers on video: a Gaussian blur of sigma 1.6, then every fourth pixel.

As BD_degradation.m of BasicVSR's authors (github.com/ckkelvinchan/BasicVSR-IconVSR): fspecial('gaussian', 12, 1.6), imfilter
with 'replicate', then pixels scale/2 : scale : end - scale/2. The kernel has an even side, 2 ceil(3 sigma) + 2, so its centre
lies between two pixels, and after the decimation at the centre of each 4 x 4 cell. DUF's BD (13 x 13, from the first pixel of
each cell) is another one: its LR is shifted by 1.5 HR pixels.
"""

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.draws import Draws
from sr.functional.leading import pictures, restored


class BD(nn.Module):
    """HR (N, C, sH, sW) -> LR (N, C, H, W), clips frame by frame; not rounded.

    Args:
        scale: HR pixels per LR pixel, even.
        sigma: standard deviation in HR pixels.
    """

    def __init__(self, scale: int, sigma: float = 1.6) -> None:
        super().__init__()
        if scale < 2 or scale % 2 or not 0 < sigma < 100:
            raise InputError(
                f"degradation=bd needs an even scale, as its MATLAB code, and a sigma above 0; got {scale}, {sigma}"
            )
        self.scale, self.sigma = scale, sigma
        self.half = math.ceil(3 * sigma) + 1
        self.margin = max(self.half - scale // 2, 0)

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """There are no random parameters."""
        return {}

    def words(self, parameters: dict[str, Any]) -> str:
        return f"BD sigma {self.sigma:g} 1/{self.scale}"

    def forward(self, hr: Tensor, parameters: dict[str, Tensor]) -> Tensor:
        places = torch.arange(-self.half, self.half, dtype=torch.float64) + 0.5
        taps = torch.exp(-(places**2) / (2 * self.sigma**2))
        taps = (taps / taps.sum()).tolist()
        image = pictures(hr).double()
        before = self.half - self.scale // 2  # from the first pixel of a cell to the first tap
        image = F.pad(image, [max(before, 0), max(before, 0)] * 2, mode="replicate")
        for dim in (-2, -1):
            first, count = max(-before, 0), hr.shape[dim] // self.scale
            image = sum(
                tap * image.narrow(dim, first + k, (count - 1) * self.scale + 1)[_every(self.scale, dim)]
                for k, tap in enumerate(taps)
            )
        return restored(image.to(hr.dtype), hr)


def _every(step: int, dim: int) -> tuple[Any, ...]:
    return (..., slice(None, None, step), slice(None)) if dim == -2 else (..., slice(None, None, step))
