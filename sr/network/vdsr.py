"""VDSR: a deep residual on top of the bicubic upsampling.

Kim, Lee, Lee: Accurate Image Super-Resolution Using Very Deep Convolutional Networks, 2016, arXiv:1511.04587.
"""

import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.functional.resize import imresize
from sr.network.luma import LumaNetwork
from sr.network.release import Release, count


class VDSR(LumaNetwork):
    """Luma network, x1 (restoration, as in DnCNN), x2, x3, x4.

    20 layers: input, `n_blocks` = 18 in the middle, output (sections 3.1 and 5.2).

    Keys of twtygqyy/pytorch-vdsr: input, residual_layer.N.conv, output. Its file has no biases: `bias=False`.
    """

    release = Release(
        ("input.weight", "residual_layer.0.conv.weight", "output.weight"),
        lambda shapes: {
            "n_feats": shapes["input.weight"][0],
            "n_blocks": count(shapes, r"residual_layer\.(\d+)\."),
            "bias": "input.bias" in shapes,
        },
    )

    scales = (1, 2, 3, 4)

    def __init__(self, *, scale: int = 2, channels: int = 3, n_feats: int = 64, n_blocks: int = 18, bias: bool = True) -> None:
        super().__init__(scale=scale, channels=channels)
        self.input = nn.Conv2d(1, n_feats, 3, padding=1, bias=bias)
        self.residual_layer = nn.Sequential(*(ConvReLU(n_feats, bias=bias) for _ in range(n_blocks)))
        self.output = nn.Conv2d(n_feats, 1, 3, padding=1, bias=bias)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")  # section 5.2
                if bias:
                    nn.init.zeros_(module.bias)

    def forward_luma(self, y: Tensor) -> Tensor:
        x = imresize(y, self.scale)
        return x + self.output(self.residual_layer(F.relu(self.input(x))))


class ConvReLU(nn.Module):
    """(N, n_feats, H, W) -> the same shape."""

    def __init__(self, n_feats: int, *, bias: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_feats, n_feats, 3, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv(x))
