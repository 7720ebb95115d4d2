"""EDSR in three dimensions: residual blocks without batch normalisation on the LR grid, and a voxel shuffle.

Lim, Son, Kim, Nah, Lee: Enhanced Deep Residual Networks for Single Image Super-Resolution, 2017, arXiv:1707.02921, for the
blocks. Sanchez, Vilaplana: Brain MRI Super-Resolution using 3D Generative Adversarial Networks, 2018, arXiv:1812.11440, for
residual blocks of 3D convolutions on the LR grid with a sub-voxel tail. Ours: a factor per axis, one convolution as the tail,
and the trilinear interpolation of LR that it is added to.
"""

import torch.nn as nn
from torch import Tensor

from sr.network.edsr import ResBlock
from sr.network.upsample_volume import VoxelUpsampler, checked


class EDSR3D(nn.Module):
    """(N, `channels`, D, H, W) in [0, 1] -> (N, `channels`, fD, fH, fW); x2, x3, x4, `axes` as in sr/functional/axes.py.

    The receptive field reaches 2 * `n_blocks` + 3 LR voxels, and one more by the interpolation.
    """

    def __init__(
        self,
        *,
        scale: int = 2,
        axes: str | list[int] = "isotropic",
        channels: int = 1,
        n_feats: int = 32,
        n_blocks: int = 8,
        res_scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.factors, self.channels = checked(scale, axes, channels)
        self.scale, self.axes, self.multiple_of = scale, axes, 1
        self.head = nn.Conv3d(channels, n_feats, 3, padding=1)
        blocks = [ResBlock(n_feats, res_scale, nn.Conv3d) for _ in range(n_blocks)]
        self.body = nn.Sequential(*blocks, nn.Conv3d(n_feats, n_feats, 3, padding=1))
        self.tail = VoxelUpsampler(by=self.factors, n_feats=n_feats, channels=channels)

    def forward(self, lr: Tensor) -> Tensor:
        x = self.head(lr)
        return self.tail(x + self.body(x), lr)
