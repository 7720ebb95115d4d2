"""RRDBNet: residual in residual dense blocks, the generator of ESRGAN.

Wang, Yu, Wu, Gu, Liu, Dong, Loy, Qiao, Tang: ESRGAN, 2018, arXiv:1809.00219, section 3.1; x2 and x1 as in Real-ESRGAN,
Wang, Xie, Dong, Shan 2021, arXiv:2107.10833, section 3.3.
"""

from typing import Any

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError
from sr.network.release import Release, Shapes, count, root
from sr.network.rrdb_attention import attention_block
from sr.network.upsample import check_channels, check_scale

SLOPE = 0.2  # negative slope of the leaky ReLU, everywhere


def _options(shapes: Shapes) -> dict[str, Any]:
    first = shapes["conv_first.weight"]
    dense = "body.0.rdb1.conv1.weight" in shapes
    attention = {"attention.conv_du.0.weight": "channel", "attention.conv.weight": "spatial", "attention.qkv.weight": "self"}
    if "conv_up2.weight" in shapes:
        enlarging = {"scale": 4 // root(first[1])}
    else:
        enlarging = {"scale": 2 if "conv_up1.weight" in shapes else 1, "unshuffle": False}
    return {
        **enlarging,
        "n_feats": first[0],
        "n_blocks": count(shapes, r"body\.(\d+)\."),
        "block": "rrdb" if dense else "residual",
        "attention": next((kind for key, kind in attention.items() if f"body.0.{key}" in shapes), "none"),
        "batch_norm": "body.0.rdb1.norm1.weight" in shapes or "body.0.norm1.weight" in shapes,
        **({"growth": shapes["body.0.rdb1.conv1.weight"][0]} if dense else {}),
    }


class RRDB(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x4, and x2, x1 on pixels unshuffled by 2, 4.

    Keys of BasicSR's RRDBNet, whose files (RealESRGAN_x4plus, _x2plus, _x4plus_anime_6B) load: conv_first,
    body.N.rdb1.conv1 ..., conv_body, conv_up1, conv_up2, conv_hr, conv_last. Files with the names of ESRGAN's first release
    load too (RRDB_ESRGAN_x4, BSRGAN, BSRNet, BSRGANx2): RRDB_trunk.N.RDB1.conv1 ..., trunk_conv, upconv1, HRconv.

    Args:
        scale: 1 (restoration), 2 or 4; H and W are multiples of 4, 2, 1.
        channels: bands of the image.
        n_feats, n_blocks: features; blocks of three dense blocks.
        growth: features added by each convolution of a dense block.
        residual_scale: factor of every residual.
        block: rrdb, or residual (two convolutions; keys body.N.conv1, conv2).
        attention: none, channel, spatial or self, after each block.
        batch_norm: after each convolution of a dense or residual block; the paper removes it.
        unshuffle: x2 and x1 by unshuffled pixels, as in Real-ESRGAN; false: by fewer upsampling convolutions, as in BSRGANx2.
    """

    release = Release(
        ("conv_first.weight", "conv_body.weight", "conv_hr.weight", "conv_last.weight"),
        _options,
        names=[  # of ESRGAN's first release
            (r"^RRDB_trunk\.(\d+)\.RDB", r"body.\1.rdb"),
            (r"^trunk_conv\.", "conv_body."),
            (r"^upconv(\d)\.", r"conv_up\1."),
            (r"^HRconv\.", "conv_hr."),
        ],
    )

    def __init__(
        self,
        *,
        scale: int = 4,
        channels: int = 3,
        n_feats: int = 64,
        n_blocks: int = 23,
        growth: int = 32,
        residual_scale: float = 0.2,
        block: str = "rrdb",
        attention: str = "none",
        batch_norm: bool = False,
        unshuffle: bool = True,
    ) -> None:
        super().__init__()
        self.scale = check_scale(scale, (1, 2, 4))
        self.channels, self.multiple_of = check_channels(channels), 4 // scale if unshuffle else 1
        if block not in ("rrdb", "residual"):
            raise InputError(f"network.block={block}: choose rrdb or residual")

        def make() -> nn.Module:
            if block == "residual":
                return ResidualBlock(n_feats, residual_scale, attention, batch_norm)
            return RRDBlock(n_feats, growth, residual_scale, attention, batch_norm)

        self.conv_first = nn.Conv2d(channels * self.multiple_of**2, n_feats, 3, padding=1)
        self.body = nn.Sequential(*(make() for _ in range(n_blocks)))
        self.conv_body = nn.Conv2d(n_feats, n_feats, 3, padding=1)
        self.n_ups = (scale * self.multiple_of).bit_length() - 1  # each doubles the size
        for i in range(1, self.n_ups + 1):
            self.add_module(f"conv_up{i}", nn.Conv2d(n_feats, n_feats, 3, padding=1))
        self.conv_hr = nn.Conv2d(n_feats, n_feats, 3, padding=1)
        self.conv_last = nn.Conv2d(n_feats, channels, 3, padding=1)

    def forward(self, lr: Tensor) -> Tensor:
        x = self.conv_first(F.pixel_unshuffle(lr, self.multiple_of))
        x = x + self.conv_body(self.body(x))
        for i in range(1, self.n_ups + 1):
            x = F.leaky_relu(getattr(self, f"conv_up{i}")(F.interpolate(x, scale_factor=2, mode="nearest")), SLOPE)
        return self.conv_last(F.leaky_relu(self.conv_hr(x), SLOPE))


class RRDBlock(nn.Module):
    """x + residual_scale * (three dense blocks, attention)."""

    def __init__(self, n_feats: int, growth: int, residual_scale: float, attention: str, batch_norm: bool) -> None:
        super().__init__()
        self.rdb1 = DenseBlock(n_feats, growth, residual_scale, batch_norm)
        self.rdb2 = DenseBlock(n_feats, growth, residual_scale, batch_norm)
        self.rdb3 = DenseBlock(n_feats, growth, residual_scale, batch_norm)
        self.attention = attention_block(attention, n_feats)
        self.residual_scale = residual_scale

    def forward(self, x: Tensor) -> Tensor:
        return x + self.attention(self.rdb3(self.rdb2(self.rdb1(x)))) * self.residual_scale


class DenseBlock(nn.Module):
    """x + residual_scale * five convolutions, each with all previous outputs as input."""

    def __init__(self, n_feats: int, growth: int, residual_scale: float, batch_norm: bool) -> None:
        super().__init__()
        for i in range(1, 5):
            self.add_module(f"conv{i}", _small(nn.Conv2d(n_feats + (i - 1) * growth, growth, 3, padding=1)))
            self.add_module(f"norm{i}", nn.BatchNorm2d(growth) if batch_norm else nn.Identity())
        self.conv5 = _small(nn.Conv2d(n_feats + 4 * growth, n_feats, 3, padding=1))
        self.residual_scale = residual_scale

    def forward(self, x: Tensor) -> Tensor:
        seen = x
        for i in range(1, 5):
            new = getattr(self, f"norm{i}")(getattr(self, f"conv{i}")(seen))
            seen = torch.cat([seen, F.leaky_relu(new, SLOPE)], dim=1)
        return x + self.conv5(seen) * self.residual_scale


class ResidualBlock(nn.Module):
    """x + residual_scale * (convolution, leaky ReLU, convolution, attention)."""

    def __init__(self, n_feats: int, residual_scale: float, attention: str, batch_norm: bool) -> None:
        super().__init__()
        self.conv1 = _small(nn.Conv2d(n_feats, n_feats, 3, padding=1))
        self.norm1 = nn.BatchNorm2d(n_feats) if batch_norm else nn.Identity()
        self.conv2 = _small(nn.Conv2d(n_feats, n_feats, 3, padding=1))
        self.norm2 = nn.BatchNorm2d(n_feats) if batch_norm else nn.Identity()
        self.attention = attention_block(attention, n_feats)
        self.residual_scale = residual_scale

    def forward(self, x: Tensor) -> Tensor:
        residual = self.norm2(self.conv2(F.leaky_relu(self.norm1(self.conv1(x)), SLOPE)))
        return x + self.attention(residual) * self.residual_scale


def _small(conv: nn.Conv2d) -> nn.Conv2d:
    """He's initialisation times 0.1, without bias: deep residual networks start near the identity (supplement, section 2)."""
    nn.init.kaiming_normal_(conv.weight)
    conv.weight.data *= 0.1
    nn.init.zeros_(conv.bias)
    return conv
