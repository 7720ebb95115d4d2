"""Meta-SR: an MLP predicts, for each pixel of the result, the kernel that turns features into its colour.

Hu, Mu, Zhang, Wang, Sun, Tan: Meta-SR: A Magnification-Arbitrary Network for Super-Resolution, 2019, arXiv:1903.00875; as
yinboc/liif compares with it.
"""

from collections.abc import Sequence

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.network.any_scale import MLP, AnyScale
from sr.network.positions import Positions, at
from sr.network.release_any_scale import release

PART = 2048  # pixels whose kernels are made at once: 2048 x 1728 floats are 14 MB


class MetaSR(AnyScale):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, *size); see `sr.network.any_scale`.

    Keys of yinboc/liif, whose files load: encoder, imnet.

    Args:
        backbone, scale, channels, scales: as of AnyScale.
        hidden: widths of the MLP that predicts kernels (section 3.3: one of 256).
    """

    release = release("meta_sr")

    def __init__(
        self,
        *,
        backbone: nn.Module,
        scale: int = 4,
        channels: int = 3,
        scales: Sequence[float] | None = (1, 4),
        hidden: Sequence[int] = (256,),
    ) -> None:
        super().__init__(backbone=backbone, scale=scale, channels=channels, scales=scales)
        self.imnet = MLP(3, backbone.n_feats * 9 * channels, hidden)

    def encode(self, features: Tensor) -> Tensor:
        """(N, H * W, 9 * n_feats): the features of the 3x3 neighbourhood of each LR pixel."""
        return F.unfold(features, 3, padding=1).transpose(1, 2)

    def query(self, encoded: Tensor, x: Tensor, positions: Positions) -> Tensor:
        pixels = positions.pixels if torch.is_grad_enabled() else positions.pixels.split(PART, 1)
        parts = [pixels] if isinstance(pixels, Tensor) else pixels
        return torch.cat([self._part(encoded, Positions(part, positions.lr, positions.size)) for part in parts], 1)

    def _part(self, encoded: Tensor, positions: Positions) -> Tensor:
        pixel, offset = positions.before()
        height = (positions.cell()[..., :1] / 2).expand(*offset.shape[:-1], 1)
        kernels = self.imnet(torch.cat([offset, height], -1)).unflatten(-1, (-1, self.channels))  # (M, Q, 9 * n_feats, C)
        return torch.einsum("nqf,mqfc->nqc" if len(kernels) == 1 else "nqf,nqfc->nqc", at(encoded, pixel), kernels)
