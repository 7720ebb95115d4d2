"""Resize-convolution: upsampling by interpolation followed by convolution, which avoids checkerboard artifacts.

Odena, Dumoulin, Olah: Deconvolution and Checkerboard Artifacts, Distill, 2016, doi:10.23915/distill.00003.
"""

import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError
from sr.network.release import Release, count
from sr.network.upsample import check_channels, check_scale


class ResizeConv(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x1 (restoration), x2, x3, x4, x8.

    `n_blocks` convolutions with LeakyReLU on the LR grid, bilinear upsampling, one convolution on the HR grid.
    `dropout`: probability to drop a whole feature map before it.
    """

    release = Release(
        ("body.0.weight", "tail.weight"),
        lambda shapes: {"n_feats": shapes["tail.weight"][1], "n_blocks": count(shapes, r"body\.(\d+)\.")},
    )

    def __init__(
        self, *, scale: int = 2, channels: int = 3, n_feats: int = 64, n_blocks: int = 4, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.scale = check_scale(scale, (1, 2, 3, 4, 8))
        self.channels, self.multiple_of = check_channels(channels), 1
        if n_blocks < 1:
            raise InputError(f"n_blocks {n_blocks!r} is not supported; choose a whole number from 1 up")
        layers: list[nn.Module] = []
        for i in range(n_blocks):
            layers += [nn.Conv2d(n_feats if i else channels, n_feats, 3, padding=1), nn.LeakyReLU(0.1, inplace=True)]
        self.body = nn.Sequential(*layers, nn.Dropout2d(dropout))
        self.tail = nn.Conv2d(n_feats, channels, 3, padding=1)
        for conv in self.body[:-1:2]:
            nn.init.kaiming_normal_(conv.weight, a=0.1)
            nn.init.zeros_(conv.bias)

    def forward(self, lr: Tensor) -> Tensor:
        return self.tail(F.interpolate(self.body(lr), scale_factor=self.scale, mode="bilinear"))
