"""ESPCN: three convolutions on the LR grid; the last one makes scale**2 channels, which become pixels.

Shi, Caballero, Huszar, Totz, Aitken, Bishop, Rueckert, Wang: Real-Time Single Image and Video Super-Resolution Using an
Efficient Sub-Pixel Convolutional Neural Network, 2016, arXiv:1609.05158.
"""

import torch.nn as nn
from torch import Tensor

from sr.network.luma import LumaNetwork
from sr.network.release import Release, root


class ESPCN(LumaNetwork):
    """Luma network, x2, x3, x4. (f1, n1) = (5, 64), (f2, n2) = (3, 32), f3 = 3; n1 = `n_feats`, n2 = n_feats // 2.

    Section 3.2, with tanh as in table 1. Keys of yjn870/ESPCN-pytorch: first_part, last_part.
    """

    release = Release(
        ("first_part.0.weight", "first_part.2.weight", "last_part.0.weight"),
        lambda shapes: {"scale": root(shapes["last_part.0.weight"][0], 1), "n_feats": shapes["first_part.0.weight"][0]},
    )

    def __init__(self, *, scale: int = 3, channels: int = 3, n_feats: int = 64) -> None:
        super().__init__(scale=scale, channels=channels)
        self.first_part = nn.Sequential(
            nn.Conv2d(1, n_feats, 5, padding=2),
            nn.Tanh(),
            nn.Conv2d(n_feats, n_feats // 2, 3, padding=1),
            nn.Tanh(),
        )
        self.last_part = nn.Sequential(nn.Conv2d(n_feats // 2, scale**2, 3, padding=1), nn.PixelShuffle(scale))
        for conv in (self.first_part[0], self.first_part[2], self.last_part[0]):
            nn.init.xavier_uniform_(conv.weight)
            nn.init.zeros_(conv.bias)

    def forward_luma(self, y: Tensor) -> Tensor:
        return self.last_part(self.first_part(y))
