"""LTE: the local texture estimator, which predicts amplitudes, frequencies and phases of waves around each LR pixel.

Lee, Jin: Local Texture Estimator for Implicit Representation Function, 2022, arXiv:2111.08918.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn as nn
from torch import Tensor

from sr.network.any_scale import MLP, AnyScale, bilinear, ensemble
from sr.network.positions import Positions, at, rows_of
from sr.network.release_any_scale import release


class LTE(AnyScale):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, *size); see `sr.network.any_scale`.

    The bilinear interpolation of LR is added (section 3.3). Keys of jaewon-lee-b/lte, whose files load: encoder, coef, freq,
    phase, imnet.

    Args:
        backbone, scale, channels, scales: as of AnyScale. Beyond the largest scale the phases are those of the largest, as in
            the release.
        n_waves: amplitudes for each LR pixel: a cosine and a sine of half as many frequencies.
        hidden: widths of the MLP.
    """

    release = release("lte")

    def __init__(
        self,
        *,
        backbone: nn.Module,
        scale: int = 4,
        channels: int = 3,
        scales: Sequence[float] | None = (1, 4),
        n_waves: int = 256,
        hidden: Sequence[int] = (256, 256, 256),
    ) -> None:
        super().__init__(backbone=backbone, scale=scale, channels=channels, scales=scales)
        self.coef = nn.Conv2d(backbone.n_feats, n_waves, 3, padding=1)
        self.freq = nn.Conv2d(backbone.n_feats, n_waves, 3, padding=1)
        self.phase = nn.Linear(2, n_waves // 2, bias=False)
        self.imnet = MLP(n_waves, channels, hidden)

    def encode(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Amplitudes and frequencies, (N, H * W, n_waves) each."""
        return rows_of(self.coef(features)), rows_of(self.freq(features))

    def query(self, encoded: tuple[Tensor, Tensor], x: Tensor, positions: Positions) -> Tensor:
        coef, freq = encoded
        phase = self.phase(positions.cell().clamp(min=2 / self.scales[1]))
        corners, values = positions.corners(), []
        for pixel, offset in corners:
            waves = at(freq, pixel).unflatten(-1, (-1, 2)).float()  # in float32: bfloat16 has 8 bits for an angle
            angle = math.pi * ((waves * offset[..., None, :]).sum(-1) + phase)
            values.append(self.imnet(at(coef, pixel) * torch.cat([angle.cos(), angle.sin()], -1)))
        return ensemble(values, [offset for _, offset in corners]) + bilinear(x, positions)
