"""FSRCNN: shrink, map, expand on the LR grid, and one transposed convolution at the end.

Dong, Loy, Tang: Accelerating the Super-Resolution Convolutional Neural Network, 2016, arXiv:1608.00367.
"""

import torch.nn as nn
from torch import Tensor

from sr.network.luma import LumaNetwork
from sr.network.prelu import PReLU
from sr.network.release import Release


class FSRCNN(LumaNetwork):
    """Luma network, x2, x3, x4. d = `n_feats`, s = `n_shrunk_feats`, m = `n_blocks` of section 3.2; (56, 12, 4).

    Keys of yjn870/FSRCNN-pytorch, whose files load: first_part, mid_part, last_part.
    """

    release = Release(
        ("first_part.0.weight", "mid_part.0.weight", "last_part.weight"),
        lambda shapes: {
            "n_feats": shapes["first_part.0.weight"][0],
            "n_shrunk_feats": shapes["mid_part.0.weight"][0],
            "n_blocks": sum(len(shape) == 4 and key.startswith("mid_part") for key, shape in shapes.items()) - 2,
        },
        one_scale=True,
    )

    def __init__(
        self, *, scale: int = 3, channels: int = 3, n_feats: int = 56, n_shrunk_feats: int = 12, n_blocks: int = 4
    ) -> None:
        super().__init__(scale=scale, channels=channels)
        d, s = n_feats, n_shrunk_feats
        self.first_part = nn.Sequential(nn.Conv2d(1, d, 5, padding=2), PReLU(d))
        mid: list[nn.Module] = [nn.Conv2d(d, s, 1), PReLU(s)]
        for _ in range(n_blocks):
            mid += [nn.Conv2d(s, s, 3, padding=1), PReLU(s)]
        mid += [nn.Conv2d(s, d, 1), PReLU(d)]
        self.mid_part = nn.Sequential(*mid)
        self.last_part = nn.ConvTranspose2d(d, 1, 9, stride=scale, padding=4, output_padding=scale - 1)
        for conv in (*self.first_part[::2], *self.mid_part[::2]):
            nn.init.kaiming_normal_(conv.weight, a=0.25, mode="fan_out")  # He et al. 2015 for PReLU; section 3.3
            nn.init.zeros_(conv.bias)
        nn.init.normal_(self.last_part.weight, std=0.001)  # section 3.3
        nn.init.zeros_(self.last_part.bias)

    def forward_luma(self, y: Tensor) -> Tensor:
        return self.last_part(self.mid_part(self.first_part(y)))
