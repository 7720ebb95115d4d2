"""Keeps every s-th pixel of every s-th row: the D of BD, used after a blur in classical degradation models."""

from typing import Any

import numpy as np
from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.draws import Draws


class Decimation(nn.Module):
    """HR (N, C, sH, sW) -> LR (N, C, H, W) = hr[..., offset::s, offset::s]; clips frame by frame.

    `offset` None is the pixel at the centre of each s x s cell, (s - 1) // 2: MATLAB's imresize 'nearest' for odd s, and
    RDN's and RCAN's BD for every s. Offset 0, the upper left pixel, is KAIR's; its LR is shifted by (s - 1) / 2 HR pixels
    from the pixel centres that bicubic keeps.
    """

    def __init__(self, scale: int, offset: int | None = None) -> None:
        super().__init__()
        if scale < 1 or not 0 <= (offset or 0) < scale:
            raise InputError(f"scale must be at least 1 and offset in [0, scale), got scale={scale}, offset={offset}")
        self.scale, self.margin = scale, 0
        self.offset = (scale - 1) // 2 if offset is None else offset

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """There are no random parameters."""
        return {}

    def words(self, parameters: dict[str, Any]) -> str:
        return f"one pixel of {self.scale}x{self.scale}"

    def forward(self, hr: Tensor, parameters: dict[str, Tensor]) -> Tensor:
        return hr[..., self.offset :: self.scale, self.offset :: self.scale]
