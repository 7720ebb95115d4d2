"""The plainest network of any scale, to read first: interpolated features and a position become colour.

The features of LR are interpolated bilinearly at each pixel of the result; an MLP turns them and the pixel's place between
LR's pixels into what bilinear interpolation of the image lacks. Compare with LIIF (sr/network/liif.py), which asks the four LR
pixels around one by one and averages their answers.
"""

from collections.abc import Sequence

import torch
import torch.nn as nn
from torch import Tensor

from sr.network.any_scale import MLP, AnyScale, bilinear
from sr.network.positions import Positions, at, rows_of
from sr.network.release_any_scale import release


class Coordinate(AnyScale):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, *size); see `sr.network.any_scale`.

    Args:
        backbone, scale, channels, scales: as of AnyScale.
        hidden: widths of the MLP.
    """

    release = release("coordinate")

    def __init__(
        self,
        *,
        backbone: nn.Module,
        scale: int = 4,
        channels: int = 3,
        scales: Sequence[float] | None = (1, 4),
        hidden: Sequence[int] = (64, 64),
    ) -> None:
        super().__init__(backbone=backbone, scale=scale, channels=channels, scales=scales)
        self.mlp = MLP(backbone.n_feats + 4, channels, hidden)

    def encode(self, features: Tensor) -> Tensor:
        """(N, H * W, n_feats)"""
        return rows_of(features)

    def query(self, encoded: Tensor, x: Tensor, positions: Positions) -> Tensor:
        features = sum(at(encoded, pixel) * weight for pixel, weight in positions.bilinear())
        place = torch.stack([after for _, after in positions.axes()], -1).expand(len(x), -1, -1)
        seen = torch.cat([features, place, positions.cell().expand_as(place)], -1)
        return self.mlp(seen) + bilinear(x, positions)
