"""Bicubic++: features at half the LR size, three convolutions and one pixel shuffle, without biases.

Bilecen, Ayazoglu: Bicubic++: Slim, Slimmer, Slimmest - Designing an Industry-Grade Super-Resolution Network, CVPR Workshops
2023, arXiv:2305.02126.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from sr.network.release import Release, root
from sr.network.upsample import check_channels, check_scale


class BicubicPP(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x1 (restoration), x2, x3, x4.

    Height and width must be even. Keys of aselsan-research-imaging-team/bicubic-plusplus, whose file loads: conv0, conv1,
    conv2, conv_out.

    Args:
        bias: convolutions with biases, as in the first stages of the authors' training; the last stage removes them.
    """

    release = Release(
        ("conv0.weight", "conv1.weight", "conv2.weight", "conv_out.weight"),
        lambda shapes: {
            "scale": root(shapes["conv_out.weight"][0]) // 2,
            "n_feats": shapes["conv0.weight"][0],
            "bias": "conv0.bias" in shapes,
        },
    )

    def __init__(self, *, scale: int = 3, channels: int = 3, n_feats: int = 32, bias: bool = False) -> None:
        super().__init__()
        self.scale = check_scale(scale, (1, 2, 3, 4))
        self.channels, self.multiple_of = check_channels(channels), 2
        self.conv0 = nn.Conv2d(channels, n_feats, 3, stride=2, padding=1, bias=bias)
        self.conv1, self.conv2 = (nn.Conv2d(n_feats, n_feats, 3, padding=1, bias=bias) for _ in range(2))
        self.conv_out = nn.Conv2d(n_feats, channels * (2 * scale) ** 2, 3, padding=1, bias=bias)

    def forward(self, lr: Tensor) -> Tensor:
        first = F.leaky_relu(self.conv0(lr), 0.1)
        y = F.leaky_relu(self.conv1(first), 0.1)
        y = F.leaky_relu(self.conv2(y), 0.1) + first
        return F.pixel_shuffle(self.conv_out(y), 2 * self.scale)
