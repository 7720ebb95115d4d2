"""EFDN: successor of RFDN with edge-enhanced convolutions, which are merged into plain ones after training.

Wang: Edge-enhanced Feature Distillation Network for Efficient Super-Resolution, 2022, arXiv:2204.08759.
"""

import torch
import torch.nn as nn
from torch import Tensor

from sr.network.attention import ESA, ESA_LEAST
from sr.network.prelu import PReLU
from sr.network.release import Release, Shapes, count, root
from sr.network.upsample import DirectUpsampler, check_channels, check_scale


def _options(shapes: Shapes) -> dict[str, int]:
    return {
        "scale": root(shapes["tail.0.weight"][0]),
        "n_feats": shapes["head.weight"][0],
        "n_blocks": count(shapes, r"cells\.(\d+)\."),
    }


class EFDN(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x1 (restoration), x2, x3, x4, x8.

    The network for inference, with one 3x3 convolution where the paper trains several and merges them. Keys of the merged
    file of the NTIRE 2022 challenge, team01_efdn.pth, which loads: head, cells.0 ... cells.3, local_fuse, tail. The authors
    clamp the result to [0, 1]; here that is left to the code that writes or measures the image.
    """

    release = Release(("cells.0.conv2.rep_conv.weight", "cells.0.branch.0.weight", "tail.0.weight"), _options)

    def __init__(self, *, scale: int = 4, channels: int = 3, n_feats: int = 48, n_blocks: int = 4) -> None:
        super().__init__()
        self.least = ESA_LEAST
        self.scale = check_scale(scale, (1, 2, 3, 4, 8))
        self.channels, self.multiple_of = check_channels(channels), 1
        self.head = nn.Conv2d(channels, n_feats, 3, padding=1)
        self.cells = nn.ModuleList(Cell(n_feats) for _ in range(n_blocks))
        self.local_fuse = nn.ModuleList(nn.Conv2d(2 * n_feats, n_feats, 1) for _ in range(n_blocks - 1))
        self.tail = DirectUpsampler(scale=scale, n_feats=n_feats, channels=channels)

    def forward(self, lr: Tensor) -> Tensor:
        first = self.head(lr)
        x = before = self.cells[0](first)
        for i, (cell, fuse) in enumerate(zip(self.cells[1:], self.local_fuse, strict=True)):
            y = cell(x)
            x = fuse(torch.cat([before, y], 1))
            if i == 0:
                before = y  # the second cell's output is added to all later sums
        return self.tail(x + first)


class Cell(nn.Module):
    """(N, n_feats, H, W) -> the same: three convolutions, half the features of each and of the input, attention, residual."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        self.conv1 = Step(n_feats, "conv1x1", 1)
        self.conv2, self.conv3 = (Step(n_feats, "rep_conv", 3) for _ in range(2))
        self.fuse = nn.Conv2d(4 * (n_feats // 2), n_feats, 1)
        self.att = ESA(n_feats)
        self.branch = nn.ModuleList(nn.Conv2d(n_feats, n_feats // 2, 1) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        seen = [x]
        for step in (self.conv1, self.conv2, self.conv3):
            seen.append(step(seen[-1]))
        return self.att(self.fuse(torch.cat([branch(y) for branch, y in zip(self.branch, seen, strict=True)], 1))) + x


class Step(nn.Module):
    """(N, n_feats, H, W) -> the same: a convolution with the key `name`, and a PReLU per channel."""

    def __init__(self, n_feats: int, name: str, kernel_size: int) -> None:
        super().__init__()
        self.name = name
        self.add_module(name, nn.Conv2d(n_feats, n_feats, kernel_size, padding=kernel_size // 2))
        self.act = PReLU(n_feats)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.get_submodule(self.name)(x))
