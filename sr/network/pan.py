"""PAN: pixel attention, a weight for each pixel of each channel from a 1x1 convolution, in the body and after upsampling.

Zhao, Kong, He, Qiao, Dong: Efficient Image Super-Resolution Using Pixel Attention, 2020, arXiv:2010.01073.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.network.release import Release, count
from sr.network.upsample import check_channels, check_scale


class PAN(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x2, x3, x4.

    `n_up_feats`: features on the HR grid. Keys of zhaohengyuan1/PAN, whose files load: conv_first, SCPA_trunk, trunk_conv,
    upconvN, attN, HRconvN, conv_last.
    """

    release = Release(
        ("SCPA_trunk.0.k1.0.weight",),
        lambda shapes: {
            **({"scale": 4} if "upconv2.weight" in shapes else {}),  # x2 and x3 have the same tensors
            "n_feats": shapes["conv_first.weight"][0],
            "n_up_feats": shapes["conv_last.weight"][1],
            "n_blocks": count(shapes, r"SCPA_trunk\.(\d+)\."),
        },
        one_scale=True,
    )

    def __init__(
        self, *, scale: int = 4, channels: int = 3, n_feats: int = 40, n_up_feats: int = 24, n_blocks: int = 16
    ) -> None:
        super().__init__()
        self.scale = check_scale(scale, (2, 3, 4))
        self.channels, self.multiple_of = check_channels(channels), 1
        self.conv_first = nn.Conv2d(channels, n_feats, 3, padding=1)
        self.SCPA_trunk = nn.Sequential(*(SCPA(n_feats) for _ in range(n_blocks)))
        self.trunk_conv = nn.Conv2d(n_feats, n_feats, 3, padding=1)
        self.stages = (2, 2) if scale == 4 else (scale,)
        for i in range(1, len(self.stages) + 1):
            self.add_module(f"upconv{i}", nn.Conv2d(n_feats if i == 1 else n_up_feats, n_up_feats, 3, padding=1))
            self.add_module(f"att{i}", PixelAttention(n_up_feats))
            self.add_module(f"HRconv{i}", nn.Conv2d(n_up_feats, n_up_feats, 3, padding=1))
        self.conv_last = nn.Conv2d(n_up_feats, channels, 3, padding=1)

    def forward(self, lr: Tensor) -> Tensor:
        x = self.conv_first(lr)
        x = x + self.trunk_conv(self.SCPA_trunk(x))
        for i, factor in enumerate(self.stages, 1):
            x = self.get_submodule(f"upconv{i}")(F.interpolate(x, scale_factor=factor, mode="nearest"))
            x = F.leaky_relu(self.get_submodule(f"att{i}")(x), 0.2)
            x = F.leaky_relu(self.get_submodule(f"HRconv{i}")(x), 0.2)
        return self.conv_last(x) + F.interpolate(lr, scale_factor=self.scale, mode="bilinear")


class PixelAttention(nn.Module):
    """(N, n_feats, H, W) -> the same; section 3.2."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_feats, n_feats, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.conv(x))


class PixelAttentionConv(nn.Module):
    """(N, n_feats, H, W) -> the same: a convolution, pixel attention from its input, a convolution; section 3.3."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        self.k2 = nn.Conv2d(n_feats, n_feats, 1)
        self.k3 = nn.Conv2d(n_feats, n_feats, 3, padding=1, bias=False)
        self.k4 = nn.Conv2d(n_feats, n_feats, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.k4(self.k3(x) * torch.sigmoid(self.k2(x)))


class SCPA(nn.Module):
    """Self-calibrated block with pixel attention: one half of the features is convolved, the other weighted; section 3.3."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        half = n_feats // 2
        self.conv1_a = nn.Conv2d(n_feats, half, 1, bias=False)
        self.conv1_b = nn.Conv2d(n_feats, half, 1, bias=False)
        self.k1 = nn.Sequential(nn.Conv2d(half, half, 3, padding=1, bias=False))
        self.PAConv = PixelAttentionConv(half)
        self.conv3 = nn.Conv2d(2 * half, n_feats, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        a = F.leaky_relu(self.k1(F.leaky_relu(self.conv1_a(x), 0.2)), 0.2)
        b = F.leaky_relu(self.PAConv(F.leaky_relu(self.conv1_b(x), 0.2)), 0.2)
        return x + self.conv3(torch.cat([a, b], 1))
