"""RFDN: IMDN's distillation by 1x1 convolutions, shallow residual blocks, and enhanced spatial attention.

Liu, Tang, Wu: Residual Feature Distillation Network for Lightweight Image Super-Resolution, 2020, arXiv:2009.11551; first
place of AIM 2020's challenge on efficient super-resolution, arXiv:2009.06943.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError
from sr.network.attention import ESA, ESA_LEAST
from sr.network.release import Release, Shapes, direct
from sr.network.upsample import DirectUpsampler, check_channels, check_scale, check_skip, skipped

# Dilations of variants, the released one first. If a photograph does not decide, the earlier one is used.
DILATIONS = ((1, 2, 5), *tuple(product((1, 2), repeat=3))[1:], (3, 3, 3), (1, 2, 3), (3, 2, 1), (1, 2, 4))
RANGES_AND_SKIPS = tuple({"rgb_range": r, "skip": s} for s in ("none", "bilinear", "nearest", "bicubic") for r in (255.0, 1.0))


def _options(shapes: Shapes) -> dict[str, Any]:
    return direct("fea_conv.weight", r"B(\d+)\.")(shapes) | {"n_esa_feats": shapes["B1.esa.conv1.weight"][0]}


def check_dilation(dilation: Sequence[int], n: int) -> Sequence[int]:
    """Return `dilation` if it has `n` numbers from 1 up; otherwise raise InputError."""
    if len(dilation) != n or min(dilation) < 1:
        raise InputError(f"network.dilation={list(dilation)}: pass {n} whole numbers of at least 1")
    return dilation


class RFDN(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x1 (restoration), x2, x3, x4, x8.

    Keys of njulj/RFDN, whose file loads: fea_conv, B1 ... B4, c, LR_conv, upsampler.

    Args:
        scale: 1 (restoration), 2, 3, 4 or 8.
        channels: bands of the image.
        n_feats, n_blocks: features; distillation blocks.
        rgb_range: the release works on pixels in 0..255; later variants on 0..1.
        dilation: of a block's four 3x3 convolutions, in order. 1 in the release.
        residual: each refining convolution adds its input; False for files whose kernels already include that sum.
        n_esa_feats: features inside the attention; None: a quarter of n_feats.
        skip: none; or nearest, bilinear, bicubic: upsampling of the input that is added to the result. None in the release.
    """

    release = Release(
        ("B1.c1_r.weight", "B1.esa.conv1.weight", "fea_conv.weight"),
        _options,
        variants=RANGES_AND_SKIPS,
        rare=[
            *({**variant, "residual": False} for variant in RANGES_AND_SKIPS[:4]),
            *(
                {**variant, "dilation": (*dilation, last)}
                for dilation in DILATIONS
                for last in sorted({1, dilation[-1]})
                for variant in RANGES_AND_SKIPS[:4]
            ),
        ],
    )

    def __init__(
        self,
        *,
        scale: int = 4,
        channels: int = 3,
        n_feats: int = 50,
        n_blocks: int = 4,
        rgb_range: float = 255.0,
        dilation: Sequence[int] = (1, 1, 1, 1),
        residual: bool = True,
        n_esa_feats: int | None = None,
        skip: str = "none",
    ) -> None:
        super().__init__()
        self.least = ESA_LEAST
        self.scale = check_scale(scale, (1, 2, 3, 4, 8))
        self.channels, self.multiple_of = check_channels(channels), 1
        self.rgb_range = rgb_range
        self.skip = check_skip(skip)
        self.fea_conv = nn.Conv2d(channels, n_feats, 3, padding=1)
        self.blocks = [f"B{i + 1}" for i in range(n_blocks)]
        for name in self.blocks:
            self.add_module(name, RFDB(n_feats, check_dilation(dilation, 4), residual, n_esa_feats))
        self.c = nn.Sequential(nn.Conv2d(n_blocks * n_feats, n_feats, 1), nn.LeakyReLU(0.05, inplace=True))
        self.LR_conv = nn.Conv2d(n_feats, n_feats, 3, padding=1)
        self.upsampler = DirectUpsampler(scale=scale, n_feats=n_feats, channels=channels)

    def forward(self, lr: Tensor) -> Tensor:
        x = first = self.fea_conv(lr * self.rgb_range)
        outputs = []
        for name in self.blocks:
            x = self.get_submodule(name)(x)
            outputs.append(x)
        x = self.upsampler(self.LR_conv(self.c(torch.cat(outputs, 1))) + first) / self.rgb_range
        return x + skipped(lr, self.scale, self.skip)


class RFDB(nn.Module):
    """(N, n_feats, H, W) -> the same; section 3.2. There is no residual around the block, only inside."""

    def __init__(self, n_feats: int, dilation: Sequence[int], residual: bool, n_esa_feats: int | None) -> None:
        super().__init__()
        kept, self.residual = n_feats // 2, residual
        *refining, last = dilation
        self.c1_d, self.c2_d, self.c3_d = (nn.Conv2d(n_feats, kept, 1) for _ in range(3))
        self.c1_r, self.c2_r, self.c3_r = (nn.Conv2d(n_feats, n_feats, 3, padding=d, dilation=d) for d in refining)
        self.c4 = nn.Conv2d(n_feats, kept, 3, padding=last, dilation=last)
        self.c5 = nn.Conv2d(4 * kept, n_feats, 1)
        self.esa = ESA(n_feats, n_mid_feats=n_esa_feats)

    def forward(self, x: Tensor) -> Tensor:
        distilled = []
        for distil, refine in ((self.c1_d, self.c1_r), (self.c2_d, self.c2_r), (self.c3_d, self.c3_r)):
            distilled.append(F.leaky_relu(distil(x), 0.05))
            x = F.leaky_relu(refine(x) + x if self.residual else refine(x), 0.05)
        distilled.append(F.leaky_relu(self.c4(x), 0.05))
        return self.esa(self.c5(torch.cat(distilled, 1)))
