"""V-Net as a network for super-resolution of volumes: an encoder and a decoder of residual stages of 3D convolutions.

Milletari, Navab, Ahmadi: V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image Segmentation, 2016,
arXiv:1606.04797, section 2 and figure 2. From the paper: residual stages, 5x5x5 convolutions, PReLU, 2x2x2 convolutions with
stride 2 in place of pooling, widths that double, skip connections. Ours: it works on the LR grid; in place of the softmax of a
segmentation a voxel shuffle makes the HR voxels, added to the trilinear interpolation of LR.
"""

import torch
import torch.nn as nn
from torch import Tensor

from sr.errors import InputError
from sr.network.prelu import PReLU
from sr.network.upsample_volume import VoxelUpsampler, checked


class VNet(nn.Module):
    """(N, `channels`, D, H, W) in [0, 1] -> (N, `channels`, fD, fH, fW); x2, x3, x4, `axes` as in sr/functional/axes.py.

    D, H and W must be multiples of `multiple_of` = 2**(levels - 1), levels being the length of `n_blocks`, the number of
    convolutions of the encoder's stage at each level (paper: 1, 2, 3, 3, 3); the decoder's stage has as many. `n_feats`
    doubles at each level.
    """

    def __init__(
        self,
        *,
        scale: int = 2,
        axes: str | list[int] = "isotropic",
        channels: int = 1,
        n_feats: int = 16,
        n_blocks: list[int] = (1, 2, 3, 3, 3),
        kernel_size: int = 5,
    ) -> None:
        super().__init__()
        self.factors, self.channels = checked(scale, axes, channels)
        if not n_blocks or not all(type(n) is int and n > 0 for n in n_blocks):
            raise InputError(f"network.n_blocks={n_blocks}: pass the convolutions of each level, such as [1,2,3,3,3]")
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise InputError(f"network.kernel_size={kernel_size}: choose an odd size")
        self.scale, self.axes, self.multiple_of = scale, axes, 2 ** (len(n_blocks) - 1)
        widths = [n_feats * 2**level for level in range(len(n_blocks))]
        self.head = nn.Sequential(nn.Conv3d(channels, n_feats, kernel_size, padding=kernel_size // 2), PReLU(n_feats))
        self.encoder = nn.ModuleList(Stage(w, w, n, kernel_size) for w, n in zip(widths, n_blocks, strict=True))
        pairs = list(zip(widths, widths[1:], strict=False))
        self.down = nn.ModuleList(nn.Sequential(nn.Conv3d(a, b, 2, stride=2), PReLU(b)) for a, b in pairs)
        self.up = nn.ModuleList(nn.Sequential(nn.ConvTranspose3d(b, a, 2, stride=2), PReLU(a)) for a, b in pairs)
        self.decoder = nn.ModuleList(Stage(2 * w, w, n, kernel_size) for w, n in zip(widths, n_blocks[:-1], strict=False))
        self.tail = VoxelUpsampler(by=self.factors, n_feats=n_feats, channels=channels)

    def forward(self, lr: Tensor) -> Tensor:
        x, skips = self.encoder[0](self.head(lr)), []
        for down, stage in zip(self.down, self.encoder[1:], strict=True):
            skips.append(x)
            x = stage(down(x))
        for up, stage, skip in zip(reversed(self.up), reversed(self.decoder), reversed(skips), strict=True):
            x = up(x)
            x = stage(torch.cat([x, skip], dim=1), x)
        return self.tail(x, lr)


class Stage(nn.Module):
    """`n_blocks` convolutions with PReLU, and the stage's input added before the last PReLU (paper, section 2).

    A stage of the decoder gets twice the features, the skip connection included; added are those from below.
    """

    def __init__(self, n_in: int, n_feats: int, n_blocks: int, kernel_size: int) -> None:
        super().__init__()
        widths = [n_in, *[n_feats] * (n_blocks - 1)]
        self.convs = nn.ModuleList(nn.Conv3d(n, n_feats, kernel_size, padding=kernel_size // 2) for n in widths)
        self.acts = nn.ModuleList(PReLU(n_feats) for _ in widths)

    def forward(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        added = x if added is None else added
        for conv, act in zip(self.convs[:-1], self.acts[:-1], strict=True):
            x = act(conv(x))
        return self.acts[-1](self.convs[-1](x) + added)
