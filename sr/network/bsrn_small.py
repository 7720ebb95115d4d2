"""BSRN-S: BSRN with fewer blocks and features, and a learned factor per channel instead of channel attention.

Li et al., team XPixel in: NTIRE 2022 Challenge on Efficient Super-Resolution, 2022, arXiv:2205.05675; first place in its track
of model complexity. The paper of BSRN is arXiv:2205.05996.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.network.attention import ESA
from sr.network.bsrn import DistillationBlock, Frame
from sr.network.release import Release, direct


class BSRNSmall(Frame):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x1 (restoration), x2, x3, x4, x8.

    Keys of xiaom233/BSRN's net_g_BSRN-S.pth, which loads, as does team18_bsrn.pth of the challenge. They are BSRN's, except
    that 1x1 convolutions are linear layers with a bias, and each block has `cw` and `conv_out`.
    """

    release = Release(
        ("B1.cw", "B1.conv_out.weight", "fea_conv.pw.weight"),
        direct("fea_conv.pw.weight", r"B(\d+)\.", "upsampler.upsampleOneStep.0.weight"),
    )

    def __init__(self, *, scale: int = 4, channels: int = 3, n_feats: int = 48, n_blocks: int = 5) -> None:
        super().__init__(scale, channels, n_feats, n_blocks, Separable, Pointwise, Block)


class Block(DistillationBlock):
    """(N, n_feats, H, W) -> the same: BSRN's distillation, spatial attention, a factor for each channel, 1x1, residual."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        kept = n_feats // 2
        self.c1_d, self.c2_d, self.c3_d = (Pointwise(n_feats, kept) for _ in range(3))
        self.c1_r, self.c2_r, self.c3_r = (Separable(n_feats, n_feats, 3, padding=1) for _ in range(3))
        self.c4 = Separable(n_feats, kept, 3, padding=1)
        self.c5 = Pointwise(4 * kept, n_feats)
        self.esa = Attention(n_feats)
        self.cw = nn.Parameter(torch.normal(1.0, 0.2, (1, n_feats)))  # the authors' initialisation
        self.conv_out = Pointwise(n_feats, n_feats)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_out(self.esa(self.distilled(x)) * self.cw[:, :, None, None])


class Pointwise(nn.Linear):
    """(N, C, H, W) -> (N, C', H, W): a 1x1 convolution stored as a linear layer."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight[:, :, None, None], self.bias)


class Separable(nn.Module):
    """Blueprint separable convolution (1x1, then depthwise) with a bias in both: arXiv:2003.13549."""

    def __init__(self, n_in: int, n_out: int, kernel_size: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.pw = Pointwise(n_in, n_out)
        self.dw = nn.Conv2d(n_out, n_out, kernel_size, stride, padding, groups=n_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.dw(self.pw(x))


class Attention(ESA):
    """ESA with GELU, 1x1 convolutions as linear layers, and a plain convolution with stride 2: (N, n_feats, H, W) -> the
    same."""

    def __init__(self, n_feats: int) -> None:
        super().__init__(n_feats, Separable, F.gelu)
        f = n_feats // 4
        self.conv1, self.conv_f, self.conv4 = Pointwise(n_feats, f), Pointwise(f, f), Pointwise(f, n_feats)
        self.conv2 = nn.Conv2d(f, f, 3, stride=2)
