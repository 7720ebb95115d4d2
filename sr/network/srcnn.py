"""SRCNN: three convolutions on the bicubic upsampling.

Dong, Loy, He, Tang: Image Super-Resolution Using Deep Convolutional Networks, 2014/2015, arXiv:1501.00092.
"""

import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError
from sr.functional.resize import imresize
from sr.network.luma import LumaNetwork
from sr.network.release import Release


class SRCNN(LumaNetwork):
    """Luma network, x1 (restoration, as in AR-CNN), x2, x3, x4.

    `kernel_sizes` f1-f2-f3; n1 = `n_feats`, n2 = n_feats // 2 (64 and 32, section 4.1).

    Keys of yjn870/SRCNN-pytorch: conv1, conv2, conv3. Borders are replicated, as the authors' SRCNN.m does (imfilter).
    """

    release = Release(
        ("conv1.weight", "conv2.weight", "conv3.weight"),
        lambda shapes: {
            "n_feats": shapes["conv1.weight"][0],
            "kernel_sizes": tuple(shapes[f"conv{i}.weight"][2] for i in (1, 2, 3)),
        },
    )

    scales = (1, 2, 3, 4)

    def __init__(
        self,
        *,
        scale: int = 3,
        channels: int = 3,
        n_feats: int = 64,
        kernel_sizes: tuple[int, int, int] = (9, 5, 5),
    ) -> None:
        super().__init__(scale=scale, channels=channels)
        if len(kernel_sizes) != 3 or any(size % 2 == 0 for size in kernel_sizes):
            raise InputError(f"kernel_sizes {list(kernel_sizes)} must be three odd numbers, such as [9, 5, 5]")
        widths = (1, n_feats, n_feats // 2, 1)
        self.conv1, self.conv2, self.conv3 = (
            nn.Conv2d(widths[i], widths[i + 1], size, padding=size // 2, padding_mode="replicate")
            for i, size in enumerate(kernel_sizes)
        )
        for conv in (self.conv1, self.conv2, self.conv3):
            nn.init.normal_(conv.weight, std=0.001)  # section 4.1
            nn.init.zeros_(conv.bias)

    def forward_luma(self, y: Tensor) -> Tensor:
        x = imresize(y, self.scale)
        return self.conv3(F.relu(self.conv2(F.relu(self.conv1(x)))))
