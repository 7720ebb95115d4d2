"""LIIF: an MLP turns the features of the nearest LR pixels and the position between them into colour.

Chen, Liu, Wang: Learning Continuous Image Representation with Local Implicit Image Function, 2021, arXiv:2012.09161.
"""

from collections.abc import Sequence

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.network.any_scale import MLP, AnyScale, bilinear, ensemble
from sr.network.positions import Positions, at, rows_of
from sr.network.release_any_scale import release


class LIIF(AnyScale):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, *size); see `sr.network.any_scale`.

    Keys of yinboc/liif, whose files load: encoder, imnet. The first layer of the MLP is linear, so its part that sees features
    is computed once for each LR pixel, as a 3x3 convolution, not four times for each pixel of the result.

    Args:
        backbone, scale, channels, scales: as of AnyScale.
        hidden: widths of the MLP (section 4.1: four of 256).
        local_ensemble: average over the four LR pixels around a position (section 3.2); false: the nearest one.
        feature_unfolding: features of the 3x3 neighbourhood of an LR pixel (section 3.2).
        cell_decoding: the size of a pixel of the result is an input (section 3.2).
        global_skip: add the bilinear interpolation of LR, as LTE does (Lee and Jin 2022, section 3.3), so that a short training
            starts from a picture; not in the paper, nor in its released files.
    """

    release = release("liif")

    def __init__(
        self,
        *,
        backbone: nn.Module,
        scale: int = 4,
        channels: int = 3,
        scales: Sequence[float] | None = (1, 4),
        hidden: Sequence[int] = (256, 256, 256, 256),
        local_ensemble: bool = True,
        feature_unfolding: bool = True,
        cell_decoding: bool = True,
        global_skip: bool = False,
    ) -> None:
        super().__init__(backbone=backbone, scale=scale, channels=channels, scales=scales)
        self.local_ensemble, self.cell_decoding = local_ensemble, cell_decoding
        self.global_skip = global_skip
        self.side = 3 if feature_unfolding else 1
        self.n_seen = backbone.n_feats * self.side**2
        self.imnet = MLP(self.n_seen + 2 + 2 * cell_decoding, channels, hidden)

    def encode(self, features: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, H * W, hidden): the first layer's product with the features, and its bias."""
        first = self.imnet.layers[0]
        kernel = first.weight[:, : self.n_seen].reshape(len(first.weight), features.shape[1], self.side, self.side)
        return rows_of(F.conv2d(features, kernel, first.bias, padding=self.side // 2))

    def query(self, encoded: Tensor, x: Tensor, positions: Positions) -> Tensor:
        first, *others = self.imnet.layers
        place = first.weight[:, self.n_seen : self.n_seen + 2].t()
        cell = positions.cell() @ first.weight[:, self.n_seen + 2 :].t() if self.cell_decoding else None
        found = positions.corners() if self.local_ensemble else [positions.nearest()]
        values = []
        for pixel, offset in found:
            seen = at(encoded, pixel) if cell is None else at(encoded, pixel) + cell
            hidden = seen + torch.matmul(offset, place)
            for layer in others:
                hidden = layer(hidden)
            values.append(hidden)
        colour = ensemble(values, [offset for _, offset in found]) if self.local_ensemble else values[0]
        return colour + bilinear(x, positions) if self.global_skip else colour
