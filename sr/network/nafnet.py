"""NAFNet: a U-Net without activation functions for restoration; half of the features gate the other half.

Chen, Chu, Zhang, Sun: Simple Baselines for Image Restoration, 2022, arXiv:2204.04676.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError
from sr.network.release import Release, Shapes, count
from sr.network.upsample import check_channels, check_scale


def _options(shapes: Shapes) -> dict[str, Any]:
    def blocks_of(part: str) -> tuple[int, ...]:
        return tuple(count(shapes, rf"{part}\.{level}\.(\d+)\.") for level in range(count(shapes, rf"{part}\.(\d+)\.")))

    return {
        "scale": 1,
        "n_feats": shapes["intro.weight"][0],
        "encoder_blocks": blocks_of("encoders"),
        "n_middle_blocks": count(shapes, r"middle_blks\.(\d+)\."),
        "decoder_blocks": blocks_of("decoders"),
    }


class NAFNet(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> the same shape; x1 (restoration), a residual on top of the image.

    Keys of megvii-research/NAFNet, whose files load: intro, encoders, downs, middle_blks, ups, decoders, ending. The
    defaults are the denoising network (SIDD, section 5.1); the deblurring network (GoPro) has (1, 1, 1, 28), 1 and (1, 1, 1,
    1) blocks. H and W must be multiples of `multiple_of`, since each level of the encoder halves them.

    Args:
        scale: 1.
        channels: bands of the image.
        n_feats: features at full size; they double at each level.
        encoder_blocks, decoder_blocks: blocks per level: encoder from full size down, decoder from the bottom up.
        n_middle_blocks: blocks at the deepest level.

    Raises:
        InputError: another scale, or different numbers of levels in encoder and decoder.
    """

    release = Release(("intro.weight", "middle_blks.0.beta", "ending.weight"), _options)

    def __init__(
        self,
        *,
        scale: int = 1,
        channels: int = 3,
        n_feats: int = 32,
        encoder_blocks: Sequence[int] = (2, 2, 4, 8),
        n_middle_blocks: int = 12,
        decoder_blocks: Sequence[int] = (2, 2, 2, 2),
    ) -> None:
        super().__init__()
        if len(encoder_blocks) != len(decoder_blocks):
            raise InputError(
                f"network.encoder_blocks={list(encoder_blocks)} and network.decoder_blocks={list(decoder_blocks)}: "
                "both must have the same number of levels"
            )
        levels = len(encoder_blocks)
        self.scale = check_scale(scale, (1,))
        self.channels, self.multiple_of = check_channels(channels), 2**levels
        widths = [n_feats * 2**level for level in range(levels + 1)]
        self.intro = nn.Conv2d(channels, n_feats, 3, padding=1)
        self.encoders = nn.ModuleList(blocks(width, n) for width, n in zip(widths, encoder_blocks, strict=False))
        self.downs = nn.ModuleList(nn.Conv2d(width, 2 * width, 2, stride=2) for width in widths[:-1])
        self.middle_blks = blocks(widths[-1], n_middle_blocks)
        self.ups = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, 2 * width, 1, bias=False), nn.PixelShuffle(2)) for width in widths[:0:-1]
        )
        self.decoders = nn.ModuleList(blocks(width, n) for width, n in zip(widths[-2::-1], decoder_blocks, strict=True))
        self.ending = nn.Conv2d(n_feats, channels, 3, padding=1)

    def forward(self, lr: Tensor) -> Tensor:
        x, skips = self.intro(lr), []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            skips.append(encoder(x))
            x = down(skips[-1])
        x = self.middle_blks(x)
        for up, decoder in zip(self.ups, self.decoders, strict=True):
            x = decoder(up(x) + skips.pop())
        return lr + self.ending(x)


class NAFBlock(nn.Module):
    """(N, n_feats, H, W) -> the same: gated depthwise convolution with channel attention, then a gated 1x1; figure 4."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = LayerNorm(n_feats), LayerNorm(n_feats)
        self.conv1 = nn.Conv2d(n_feats, 2 * n_feats, 1)
        self.conv2 = nn.Conv2d(2 * n_feats, 2 * n_feats, 3, padding=1, groups=2 * n_feats)
        self.sca = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(n_feats, n_feats, 1))  # simplified channel attention
        self.conv3 = nn.Conv2d(n_feats, n_feats, 1)
        self.conv4 = nn.Conv2d(n_feats, 2 * n_feats, 1)
        self.conv5 = nn.Conv2d(n_feats, n_feats, 1)
        self.beta = nn.Parameter(torch.zeros(1, n_feats, 1, 1))  # 0: each block starts as the identity
        self.gamma = nn.Parameter(torch.zeros(1, n_feats, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        y = gate(self.conv2(self.conv1(self.norm1(x))))
        x = x + self.conv3(y * self.sca(y)) * self.beta
        return x + self.conv5(gate(self.conv4(self.norm2(x)))) * self.gamma


class LayerNorm(nn.LayerNorm):
    """Layer normalisation of (N, C, H, W) over the channels of each pixel."""

    def __init__(self, n_feats: int) -> None:
        super().__init__(n_feats, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.movedim(1, -1), self.normalized_shape, self.weight, self.bias, self.eps).movedim(-1, 1)


def gate(x: Tensor) -> Tensor:
    """SimpleGate, (N, 2C, H, W) -> (N, C, H, W): one half times the other (section 4.2, equation 4)."""
    first, second = x.chunk(2, dim=1)
    return first * second


def blocks(n_feats: int, count: int) -> nn.Sequential:
    """`count` blocks in sequence."""
    return nn.Sequential(*(NAFBlock(n_feats) for _ in range(count)))
