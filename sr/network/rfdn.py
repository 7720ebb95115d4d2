"""RFDN: IMDN's distillation by 1x1 convolutions, shallow residual blocks, and enhanced spatial attention.

Liu, Tang, Wu: Residual Feature Distillation Network for Lightweight Image Super-Resolution, 2020, arXiv:2009.11551; first
place of AIM 2020's challenge on efficient super-resolution, arXiv:2009.06943.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.network.attention import ESA
from sr.network.upsample import DirectUpsampler, check_scale


class RFDN(nn.Module):
    """RGB (N, 3, H, W) in [0, 1] -> (N, 3, sH, sW); x2, x3, x4, x8.

    Keys of njulj/RFDN, whose file loads: fea_conv, B1 ... B4, c, LR_conv, upsampler. The release works on pixels in
    0..255 and returns such: `rgb_range`.
    """

    def __init__(self, *, scale: int = 4, n_feats: int = 50, n_blocks: int = 4, rgb_range: float = 255.0) -> None:
        super().__init__()
        self.scale = check_scale(scale, (2, 3, 4, 8))
        self.multiple_of = 1
        self.rgb_range = rgb_range
        self.fea_conv = nn.Conv2d(3, n_feats, 3, padding=1)
        self.blocks = [f"B{i + 1}" for i in range(n_blocks)]
        for name in self.blocks:
            self.add_module(name, RFDB(n_feats))
        self.c = nn.Sequential(nn.Conv2d(n_blocks * n_feats, n_feats, 1), nn.LeakyReLU(0.05, inplace=True))
        self.LR_conv = nn.Conv2d(n_feats, n_feats, 3, padding=1)
        self.upsampler = DirectUpsampler(scale=scale, n_feats=n_feats)

    def forward(self, lr: Tensor) -> Tensor:
        x = first = self.fea_conv(lr * self.rgb_range)
        outputs = []
        for name in self.blocks:
            x = self.get_submodule(name)(x)
            outputs.append(x)
        return self.upsampler(self.LR_conv(self.c(torch.cat(outputs, 1))) + first) / self.rgb_range


class RFDB(nn.Module):
    """(N, n_feats, H, W) -> the same; section 3.2. There is no residual around the block, only inside it."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        kept = n_feats // 2
        self.c1_d, self.c2_d, self.c3_d = (nn.Conv2d(n_feats, kept, 1) for _ in range(3))
        self.c1_r, self.c2_r, self.c3_r = (nn.Conv2d(n_feats, n_feats, 3, padding=1) for _ in range(3))
        self.c4 = nn.Conv2d(n_feats, kept, 3, padding=1)
        self.c5 = nn.Conv2d(4 * kept, n_feats, 1)
        self.esa = ESA(n_feats)

    def forward(self, x: Tensor) -> Tensor:
        distilled = []
        for distil, refine in ((self.c1_d, self.c1_r), (self.c2_d, self.c2_r), (self.c3_d, self.c3_r)):
            distilled.append(F.leaky_relu(distil(x), 0.05))
            x = F.leaky_relu(refine(x) + x, 0.05)
        distilled.append(F.leaky_relu(self.c4(x), 0.05))
        return self.esa(self.c5(torch.cat(distilled, 1)))
