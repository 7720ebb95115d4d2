"""Bicubic downscaling and what a small residual network adds to it.

The generator of Bulat, Yang, Tzimiropoulos: To learn image super-resolution, use a GAN to learn how to do image degradation
first, 2018, arXiv:1807.11458, section 3.1, in a form that works on the LR grid and starts from bicubic downscaling.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError
from sr.functional.resize import imresize
from sr.network.upsample import check_channels, check_scale


class Block(nn.Sequential):
    """x + conv(relu(conv(x)))."""

    def __init__(self, n_feats: int) -> None:
        super().__init__(nn.Conv2d(n_feats, n_feats, 3, padding=1), nn.ReLU(), nn.Conv2d(n_feats, n_feats, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class Residual(nn.Module):
    """HR (N, `channels`, sH, sW) in [0, 1], noise (N, 1, sH, sW) -> LR (N, `channels`, H, W).

    The last layer starts from zero, so an untrained network is MATLAB's bicubic downscaling; at scale 1 it changes nothing.

    Args:
        scale: HR pixels per LR pixel: 1, 2, 3, 4 or 8.
        channels: bands of the image.
        n_feats, n_blocks: size of the network.

    Raises:
        InputError: another scale, a number below 1.
    """

    def __init__(self, *, scale: int = 2, channels: int = 3, n_feats: int = 64, n_blocks: int = 6) -> None:
        super().__init__()
        self.scale, self.channels = check_scale(scale, (1, 2, 3, 4, 8)), check_channels(channels)
        if min(n_feats, n_blocks) < 1:
            raise InputError(f"degrader residual needs n_feats and n_blocks of at least 1, got {n_feats} and {n_blocks}")
        self.head = nn.Conv2d((channels + 1) * scale**2, n_feats, 3, padding=1)
        self.body = nn.Sequential(*(Block(n_feats) for _ in range(n_blocks)))
        self.tail = nn.Conv2d(n_feats, channels, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)

    def forward(self, hr: Tensor, noise: Tensor) -> Tensor:
        x = F.pixel_unshuffle(torch.cat([hr, noise.to(hr.dtype)], 1), self.scale)
        small = imresize(hr, 1 / self.scale) if self.scale > 1 else hr
        return small + self.tail(self.body(F.relu(self.head(x))))
