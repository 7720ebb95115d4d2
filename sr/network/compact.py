"""Compact (SRVGGNetCompact): a plain stack of convolutions on the LR grid plus nearest-neighbour upsampling of the input.

Wang, Xie, Dong, Shan: Real-ESRGAN, 2021, arXiv:2107.10833; the network came with release v0.2.5.0 of
xinntao/Real-ESRGAN (realesr-animevideov3, realesr-general-x4v3).
"""

import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.network.release import Release, Shapes, root
from sr.network.upsample import check_channels, check_scale


def _options(shapes: Shapes) -> dict[str, int]:
    last = max(int(key.split(".")[1]) for key in shapes if key.startswith("body."))
    return {
        "scale": root(shapes[f"body.{last}.weight"][0]),
        "n_feats": shapes["body.0.weight"][0],
        "n_blocks": last // 2 - 1,
    }


class Compact(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x1 (restoration), x2, x3, x4, x8.

    `n_blocks` is the number of middle convolutions (num_conv in the release; 16 for animevideov3, 32 for general).
    Keys of the release, whose files load: body.N.
    """

    release = Release(("body.0.weight", "body.1.weight"), _options)

    def __init__(self, *, scale: int = 4, channels: int = 3, n_feats: int = 64, n_blocks: int = 16) -> None:
        super().__init__()
        self.scale = check_scale(scale, (1, 2, 3, 4, 6, 8))
        self.channels, self.multiple_of = check_channels(channels), 1
        layers: list[nn.Module] = [nn.Conv2d(channels, n_feats, 3, padding=1), nn.PReLU(n_feats)]
        for _ in range(n_blocks):
            layers += [nn.Conv2d(n_feats, n_feats, 3, padding=1), nn.PReLU(n_feats)]
        layers.append(nn.Conv2d(n_feats, channels * scale**2, 3, padding=1))
        self.body = nn.Sequential(*layers)

    def forward(self, lr: Tensor) -> Tensor:
        # Not `+=`: under autocast the residual is bfloat16, and only a new tensor is promoted to float32.
        return F.interpolate(lr, scale_factor=self.scale, mode="nearest") + F.pixel_shuffle(self.body(lr), self.scale)
