"""Bicubic downscaling, the classical degradation (BI): MATLAB's imresize, bit-exact to it."""

from typing import Any

import numpy as np
from torch import Tensor, nn

from sr.functional.draws import Draws
from sr.functional.ranges import levels_of, whole
from sr.functional.resize import imresize


class Bicubic(nn.Module):
    """HR (N, C, sH, sW) in [0, 1] -> LR (N, C, H, W), the pixels of MATLAB's imresize(hr, 1/scale); clips frame by frame.

    `rounding` is that of `sr.functional.resize.imresize`: True or 255 for images quantised to uint8, as the benchmarks' LR
    files were made; 65535 for 16 bit; False or None is MATLAB's imresize of a double image: differentiable and not clipped,
    for images without levels.
    """

    def __init__(self, scale: int, rounding: bool | int | None = True) -> None:
        super().__init__()
        self.scale = whole("scale", scale)
        self.rounding = rounding if isinstance(rounding, bool) else levels_of(rounding)
        self.margin = 2 * scale  # the kernel's radius is 2 LR pixels

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """There are no random parameters."""
        return {}

    def words(self, parameters: dict[str, Any]) -> str:
        return f"bicubic 1/{self.scale}"

    def forward(self, hr: Tensor, parameters: dict[str, Tensor]) -> Tensor:
        return imresize(hr, 1 / self.scale, rounding=self.rounding)
