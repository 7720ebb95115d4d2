"""CARN: residual blocks whose outputs all cascade into 1x1 convolutions; CARN-M shares and groups them for mobile devices.

Ahn, Kang, Sohn: Fast, Accurate, and Lightweight Super-Resolution with Cascading Residual Network, 2018, arXiv:1803.08664.
"""

import math
import re

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.network.edsr import MeanShift
from sr.network.release import Release, Shapes, count, root
from sr.network.upsample import check_channels, check_scale, stages


class Cascade(nn.Module):
    """(N, n_feats, H, W) -> the same: each block's input is a 1x1 convolution of all previous outputs; section 3.2.

    A single block with `n_blocks` above 1 is applied that many times (recursive, section 3.3).
    """

    def __init__(self, n_feats: int, blocks: list[nn.Module], n_blocks: int) -> None:
        super().__init__()
        for i, block in enumerate(blocks, 1):
            self.add_module(f"b{i}", block)
        for i in range(1, n_blocks + 1):
            self.add_module(f"c{i}", Body(nn.Conv2d((i + 1) * n_feats, n_feats, 1), nn.ReLU(inplace=True)))
        self.order = [f"b{min(i, len(blocks))}" for i in range(1, n_blocks + 1)]

    def forward(self, x: Tensor) -> Tensor:
        outputs = x
        for i, name in enumerate(self.order, 1):
            outputs = torch.cat([outputs, self.get_submodule(name)(x)], 1)
            x = self.get_submodule(f"c{i}")(outputs)
        return x


def _options(shapes: Shapes) -> dict[str, int | bool | None]:
    width = shapes["entry.weight"][0]
    multi_scale = "upsample.up2.body.0.weight" in shapes
    stages = [shape for key, shape in shapes.items() if re.fullmatch(r"upsample\.up\..*weight", key)]
    return {
        **({} if multi_scale else {"scale": math.prod(root(shape[0], width) for shape in stages)}),
        "n_feats": width,
        "n_blocks": count(shapes, r"c(\d+)\.body"),
        "groups": width // shapes["b1.b1.body.0.weight"][1] if "b1.b1.body.4.weight" in shapes else None,
        "multi_scale": multi_scale,
    }


class CARN(Cascade):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x1 (restoration), x2, x3, x4.

    `groups`: None is CARN; a number makes CARN-M, with recursive blocks and that many groups in the 3x3 convolutions (4 in
    the paper). `multi_scale`: the paper trains one network for x2, x3 and x4, and the released files contain the upsampling
    of all three; `scale` selects one of them.
    Keys of nmhkahn/CARN-pytorch, whose files load: sub_mean, entry, b1 ... b3, c1 ... c3, upsample, exit, add_mean.
    """

    release = Release(("entry.weight", "b1.b1.body.0.weight"), _options)

    def __init__(
        self,
        *,
        scale: int = 4,
        channels: int = 3,
        n_feats: int = 64,
        n_blocks: int = 3,
        groups: int | None = None,
        multi_scale: bool = False,
    ) -> None:
        check_scale(scale, (2, 3, 4) if multi_scale else (1, 2, 3, 4))
        super().__init__(n_feats, [block(n_feats, groups) for _ in range(n_blocks)], n_blocks)
        self.scale = scale
        self.channels, self.multiple_of = check_channels(channels), 1
        self.sub_mean = nn.ModuleDict({"shifter": MeanShift(-1.0, channels)})
        self.entry = nn.Conv2d(channels, n_feats, 3, padding=1)
        ups = {f"up{s}": s for s in (2, 3, 4)} if multi_scale else {"up": scale}
        self.upsample = nn.ModuleDict({key: upsample(n_feats, s, groups or 1) for key, s in ups.items()})
        self.up = f"up{scale}" if multi_scale else "up"
        for key, layers in self.upsample.items():
            layers.requires_grad_(key == self.up)  # the others are unused at this scale, and DDP would wait for their gradients
        self.exit = nn.Conv2d(n_feats, channels, 3, padding=1)
        self.add_mean = nn.ModuleDict({"shifter": MeanShift(1.0, channels)})

    def forward(self, lr: Tensor) -> Tensor:
        x = super().forward(self.entry(self.sub_mean["shifter"](lr)))
        return self.add_mean["shifter"](self.exit(self.upsample[self.up](x)))


class Body(nn.Module):
    """Layers in sequence, under the release's key `body`; a residual block adds its input before the last ReLU."""

    def __init__(self, *layers: nn.Module, residual: bool = False) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.body(x)) if self.residual else self.body(x)


def block(n_feats: int, groups: int | None) -> Cascade:
    """Cascade of three residual blocks; with groups, one efficient residual block (section 3.3) applied three times."""
    if groups is None:
        return Cascade(n_feats, [Body(*convolutions(n_feats, 1), residual=True) for _ in range(3)], 3)
    pointwise = nn.ReLU(inplace=True), nn.Conv2d(n_feats, n_feats, 1)
    return Cascade(n_feats, [Body(*convolutions(n_feats, groups), *pointwise, residual=True)], 3)


def convolutions(n_feats: int, groups: int) -> list[nn.Module]:
    """Convolution, ReLU, convolution."""
    first, second = (nn.Conv2d(n_feats, n_feats, 3, padding=1, groups=groups) for _ in range(2))
    return [first, nn.ReLU(inplace=True), second]


def upsample(n_feats: int, scale: int, groups: int) -> Body:
    """(N, n_feats, H, W) -> (N, n_feats, sH, sW): grouped convolution, ReLU, PixelShuffle for each stage."""
    layers: list[nn.Module] = []
    for factor in stages(scale):
        conv = nn.Conv2d(n_feats, n_feats * factor**2, 3, padding=1, groups=groups)
        layers += [conv, nn.ReLU(inplace=True), nn.PixelShuffle(factor)]
    return Body(*layers)
