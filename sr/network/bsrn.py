"""BSRN: RFDN with blueprint separable convolutions (1x1, then depthwise 3x3) and both spatial and channel attention.

Li, Liu, Chen, Cai, Gu, Qiao, Dong: Blueprint Separable Residual Network for Efficient Image Super-Resolution, 2022,
arXiv:2205.05996.
"""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.network.attention import ESA, ESA_LEAST, ContrastChannelAttention
from sr.network.release import Release, direct
from sr.network.upsample import DirectUpsampler, check_channels, check_scale


class Frame(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW): blocks whose outputs are all fused (section 3.1).

    Args:
        conv: (n_in, n_out, kernel_size, padding=...) -> a separable convolution.
        pointwise: (n_in, n_out) -> a 1x1 convolution.
        block: n_feats -> a block.
    """

    def __init__(
        self,
        scale: int,
        channels: int,
        n_feats: int,
        n_blocks: int,
        conv: Callable[..., nn.Module],
        pointwise: Callable[[int, int], nn.Module],
        block: Callable[[int], nn.Module],
    ) -> None:
        super().__init__()
        self.least = ESA_LEAST
        self.scale = check_scale(scale, (1, 2, 3, 4, 8))
        self.channels, self.multiple_of = check_channels(channels), 1
        # The image is repeated four times, so that the depthwise convolutions have more than three channels (section 3.1).
        self.fea_conv = conv(4 * channels, n_feats, 3, padding=1)
        self.blocks = [f"B{i + 1}" for i in range(n_blocks)]
        for name in self.blocks:
            self.add_module(name, block(n_feats))
        self.c1 = pointwise(n_blocks * n_feats, n_feats)
        self.c2 = conv(n_feats, n_feats, 3, padding=1)
        self.upsampler = nn.ModuleDict({"upsampleOneStep": DirectUpsampler(scale=scale, n_feats=n_feats, channels=channels)})

    def forward(self, lr: Tensor) -> Tensor:
        x = first = self.fea_conv(torch.cat([lr] * 4, 1))
        outputs = []
        for name in self.blocks:
            x = self.get_submodule(name)(x)
            outputs.append(x)
        x = self.c2(F.gelu(self.c1(torch.cat(outputs, 1)))) + first
        return self.upsampler["upsampleOneStep"](x)


class DistillationBlock(nn.Module):
    """(N, n_feats, H, W) -> the same: three steps, each keeping half of the features; a subclass creates the parts."""

    def distilled(self, x: Tensor) -> Tensor:
        """The kept features of all steps, fused by c5."""
        kept, y = [], x
        for distil, refine in ((self.c1_d, self.c1_r), (self.c2_d, self.c2_r), (self.c3_d, self.c3_r)):
            kept.append(F.gelu(distil(y)))
            y = F.gelu(refine(y) + y)
        kept.append(F.gelu(self.c4(y)))
        return self.c5(torch.cat(kept, 1))


class BSRN(Frame):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x1 (restoration), x2, x3, x4, x8.

    Keys of xiaom233/BSRN, whose files load: fea_conv, B1 ... B8, c1, c2, upsampler. BSRN-S is sr/network/bsrn_small.py.
    """

    release = Release(
        ("B1.c1_r.pw.weight", "B1.cca.conv_du.0.weight"),
        direct("fea_conv.pw.weight", r"B(\d+)\.", "upsampler.upsampleOneStep.0.weight"),
    )

    def __init__(self, *, scale: int = 4, channels: int = 3, n_feats: int = 64, n_blocks: int = 8) -> None:
        super().__init__(scale, channels, n_feats, n_blocks, BSConv, partial(nn.Conv2d, kernel_size=1), ESDB)


class ESDB(DistillationBlock):
    """Efficient separable distillation block, (N, n_feats, H, W) -> the same; section 3.2."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        kept = n_feats // 2
        self.c1_d, self.c2_d, self.c3_d = (nn.Conv2d(n_feats, kept, 1) for _ in range(3))
        self.c1_r, self.c2_r, self.c3_r = (BSConv(n_feats, n_feats, 3, padding=1) for _ in range(3))
        self.c4 = BSConv(n_feats, kept, 3, padding=1)
        self.c5 = nn.Conv2d(4 * kept, n_feats, 1)
        self.esa = ESA(n_feats, BSConv, F.gelu)
        self.cca = ContrastChannelAttention(n_feats)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.cca(self.esa(self.distilled(x)))


class BSConv(nn.Module):
    """Blueprint separable convolution (BSConv-U): Haase, Amthor 2020, arXiv:2003.13549."""

    def __init__(self, n_in: int, n_out: int, kernel_size: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.pw = nn.Conv2d(n_in, n_out, 1, bias=False)
        self.dw = nn.Conv2d(n_out, n_out, kernel_size, stride, padding, groups=n_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.dw(self.pw(x))
