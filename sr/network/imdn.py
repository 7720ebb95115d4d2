"""IMDN: each block keeps a quarter of the features at every step and refines the rest.

Hui, Gao, Yang, Wang: Lightweight Image Super-Resolution with Information Multi-distillation Network, 2019,
arXiv:1909.11856.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.network.attention import ContrastChannelAttention
from sr.network.release import Release, direct
from sr.network.upsample import DirectUpsampler, check_channels, check_scale


class IMDN(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x1 (restoration), x2, x3, x4, x8.

    Keys of Zheng222/IMDN, whose files load: fea_conv, IMDB1 ... IMDB6, c, LR_conv, upsampler.
    """

    release = Release(("IMDB1.c1.weight",), direct("fea_conv.weight", r"IMDB(\d+)\."))

    def __init__(self, *, scale: int = 4, channels: int = 3, n_feats: int = 64, n_blocks: int = 6) -> None:
        super().__init__()
        self.scale = check_scale(scale, (1, 2, 3, 4, 8))
        self.channels, self.multiple_of = check_channels(channels), 1
        self.fea_conv = nn.Conv2d(channels, n_feats, 3, padding=1)
        self.blocks = [f"IMDB{i + 1}" for i in range(n_blocks)]
        for name in self.blocks:
            self.add_module(name, IMDModule(n_feats))
        self.c = nn.Sequential(nn.Conv2d(n_blocks * n_feats, n_feats, 1), nn.LeakyReLU(0.05, inplace=True))
        self.LR_conv = nn.Conv2d(n_feats, n_feats, 3, padding=1)
        self.upsampler = DirectUpsampler(scale=scale, n_feats=n_feats, channels=channels)

    def forward(self, lr: Tensor) -> Tensor:
        x = first = self.fea_conv(lr)
        outputs = []
        for name in self.blocks:
            x = self.get_submodule(name)(x)
            outputs.append(x)
        return self.upsampler(self.LR_conv(self.c(torch.cat(outputs, 1))) + first)


class IMDModule(nn.Module):
    """(N, n_feats, H, W) -> the same. Section 3.1: three times, a quarter of the channels is set aside (distilled)."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        kept = n_feats // 4
        self.split = (kept, n_feats - kept)
        self.c1 = nn.Conv2d(n_feats, n_feats, 3, padding=1)
        self.c2 = nn.Conv2d(n_feats - kept, n_feats, 3, padding=1)
        self.c3 = nn.Conv2d(n_feats - kept, n_feats, 3, padding=1)
        self.c4 = nn.Conv2d(n_feats - kept, kept, 3, padding=1)
        self.c5 = nn.Conv2d(4 * kept, n_feats, 1)
        self.cca = ContrastChannelAttention(4 * kept)

    def forward(self, x: Tensor) -> Tensor:
        distilled, rest = [], x
        for conv in (self.c1, self.c2, self.c3):
            kept, rest = F.leaky_relu(conv(rest), 0.05).split(self.split, 1)
            distilled.append(kept)
        return x + self.c5(self.cca(torch.cat([*distilled, self.c4(rest)], 1)))
