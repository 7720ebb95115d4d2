"""RDN: residual dense blocks, whose layers see all earlier ones of their block.

Zhang, Tian, Kong, Zhong, Fu: Residual Dense Network for Image Super-Resolution, 2018, arXiv:1802.08797.
"""

import math

import torch
import torch.nn as nn
from torch import Tensor

from sr.network.release import Release, Shapes, count, root
from sr.network.upsample import check_channels, check_scale, features_alone, stages


def _options(shapes: Shapes) -> dict[str, int]:
    growth = shapes["RDBs.0.convs.0.conv.0.weight"][0]
    last = 2 * (count(shapes, r"UPNet\.(\d+)\.weight") - 1)
    scale = math.prod(root(shapes[f"UPNet.{i}.weight"][0], growth) for i in range(0, last, 2))
    return {"scale": scale, **body_options(shapes)}


def body_options(shapes: Shapes) -> dict[str, int]:
    """The options of the layers before those that enlarge."""
    return {
        "n_feats": shapes["SFENet1.weight"][0],
        "growth": shapes["RDBs.0.convs.0.conv.0.weight"][0],
        "n_blocks": count(shapes, r"RDBs\.(\d+)\."),
        "n_layers": count(shapes, r"RDBs\.0\.convs\.(\d+)\."),
    }


class RDN(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x1 (restoration), x2, x3, x4, x8.

    The defaults are those of section 5.2 (D=16, C=8, G=64); D=20, C=6, G=32 is its smaller one. Keys of
    EDSR-PyTorch and yinboc/liif: SFENet1, SFENet2, RDBs, GFF, UPNet. scale=None: features alone, without UPNet.

    Args:
        n_feats: G0, features between blocks.
        growth: G, features that each layer of a block adds.
        n_blocks: D, blocks. n_layers: C, layers of a block.
    """

    release = Release(("SFENet1.weight", "RDBs.0.convs.0.conv.0.weight", "UPNet.0.weight"), _options)

    def __init__(
        self,
        *,
        scale: int | None = 2,
        channels: int = 3,
        n_feats: int = 64,
        growth: int = 64,
        n_blocks: int = 16,
        n_layers: int = 8,
    ) -> None:
        super().__init__()
        self.scale = None if scale is None else check_scale(scale, (1, 2, 3, 4, 8))
        self.channels, self.multiple_of, self.n_feats = check_channels(channels), 1, n_feats
        self.SFENet1 = nn.Conv2d(channels, n_feats, 3, padding=1)
        self.SFENet2 = nn.Conv2d(n_feats, n_feats, 3, padding=1)
        self.RDBs = nn.ModuleList(DenseBlock(n_feats, growth, n_layers) for _ in range(n_blocks))
        self.GFF = nn.Sequential(nn.Conv2d(n_blocks * n_feats, n_feats, 1), nn.Conv2d(n_feats, n_feats, 3, padding=1))
        if scale is not None:
            layers, width = [], n_feats
            for factor in stages(scale):
                layers += [nn.Conv2d(width, growth * factor**2, 3, padding=1), nn.PixelShuffle(factor)]
                width = growth
            self.UPNet = nn.Sequential(*layers, nn.Conv2d(width, channels, 3, padding=1))

    def features(self, x: Tensor) -> Tensor:
        """(N, `channels`, H, W) -> (N, n_feats, H, W)."""
        first = self.SFENet1(x)
        found, x = [], self.SFENet2(first)
        for block in self.RDBs:
            x = block(x)
            found.append(x)
        return self.GFF(torch.cat(found, 1)) + first

    def forward(self, lr: Tensor) -> Tensor:
        if self.scale is None:
            raise features_alone("RDN")
        return self.UPNet(self.features(lr))


class DenseLayer(nn.Module):
    """Adds `growth` features to those it sees."""

    def __init__(self, n_in: int, growth: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(n_in, growth, 3, padding=1), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.conv(x)], 1)


class DenseBlock(nn.Module):
    """Dense layers, a 1x1 convolution that joins them (local feature fusion), plus the input; section 3.2."""

    def __init__(self, n_feats: int, growth: int, n_layers: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(*(DenseLayer(n_feats + n * growth, growth) for n in range(n_layers)))
        self.LFF = nn.Conv2d(n_feats + n_layers * growth, n_feats, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.LFF(self.convs(x))
