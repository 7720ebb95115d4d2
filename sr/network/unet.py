"""U-Net on the LR grid with a sub-pixel tail, as a residual on top of the bicubic upsampling.

Ronneberger, Fischer, Brox: U-Net: Convolutional Networks for Biomedical Image Segmentation, 2015, arXiv:1505.04597.
Ours, for SR: padded convolutions, LeakyReLU, bilinear upsampling, the tail and the outer residual.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.functional.resize import imresize
from sr.network.release import Release, count, shuffled
from sr.network.upsample import Upsampler, check_channels, check_scale


class UNet(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x1 (restoration), x2, x3, x4, x8.

    H and W must be multiples of `multiple_of` = 2**n_levels, since each level halves them. `n_feats` doubles at each level;
    `n_blocks` convolutions per level (two in the paper); `dropout` at the deepest level (paper, section 3.1).
    """

    release = Release(
        ("encoder.0.0.weight", "up.0.weight", "tail.1.weight"),
        lambda shapes: {
            "scale": shuffled(shapes, r"tail\.0\.\d+\.weight"),
            "n_feats": shapes["encoder.0.0.weight"][0],
            "n_blocks": count(shapes, r"encoder\.0\.(\d+)\."),
            "n_levels": count(shapes, r"up\.(\d+)\."),
        },
    )

    def __init__(
        self,
        *,
        scale: int = 2,
        channels: int = 3,
        n_feats: int = 32,
        n_blocks: int = 2,
        n_levels: int = 3,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.scale = check_scale(scale, (1, 2, 3, 4, 8))
        self.channels, self.multiple_of = check_channels(channels), 2**n_levels
        widths = [n_feats * 2**level for level in range(n_levels + 1)]
        inputs = [channels, *widths[:-1]]
        self.encoder = nn.ModuleList(convolutions(n, width, n_blocks) for n, width in zip(inputs, widths, strict=True))
        self.dropout = nn.Dropout2d(dropout)
        self.up = nn.ModuleList(nn.Conv2d(2 * width, width, 3, padding=1) for width in widths[:-1])
        self.decoder = nn.ModuleList(convolutions(2 * width, width, n_blocks) for width in widths[:-1])
        self.tail = nn.Sequential(Upsampler(scale=scale, n_feats=n_feats), nn.Conv2d(n_feats, channels, 3, padding=1))

    def forward(self, lr: Tensor) -> Tensor:
        skips: list[Tensor] = []
        x = self.encoder[0](lr)
        for level in self.encoder[1:]:
            skips.append(x)
            x = level(F.max_pool2d(x, 2))
        x = self.dropout(x)
        for up, level, skip in zip(reversed(self.up), reversed(self.decoder), reversed(skips), strict=True):
            x = up(F.interpolate(x, scale_factor=2, mode="bilinear"))
            x = level(torch.cat([skip, x], dim=1))
        return imresize(lr, self.scale) + self.tail(x)


def convolutions(n_in: int, n_out: int, n_blocks: int) -> nn.Sequential:
    """`n_blocks` convolutions 3x3 with LeakyReLU: (N, n_in, H, W) -> (N, n_out, H, W)."""
    layers: list[nn.Module] = []
    for i in range(n_blocks):
        conv = nn.Conv2d(n_out if i else n_in, n_out, 3, padding=1)
        nn.init.kaiming_normal_(conv.weight, a=0.1)
        nn.init.zeros_(conv.bias)
        layers += [conv, nn.LeakyReLU(0.1, inplace=True)]
    return nn.Sequential(*layers)
