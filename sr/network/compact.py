"""Compact (SRVGGNetCompact): a plain stack of convolutions on the LR grid plus nearest-neighbour upsampling of the input.

Wang, Xie, Dong, Shan: Real-ESRGAN, 2021, arXiv:2107.10833; the network came with release v0.2.5.0 of
xinntao/Real-ESRGAN (realesr-animevideov3, realesr-general-x4v3).
"""

import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.network.release import Release, Shapes, root
from sr.network.upsample import check_channels, check_scale, features_alone


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
    Keys of the release, whose files load: body.N. scale=None: features alone (sr/network/any_scale.py).
    """

    release = Release(("body.0.weight", "body.1.weight"), _options)

    def __init__(self, *, scale: int | None = 4, channels: int = 3, n_feats: int = 64, n_blocks: int = 16) -> None:
        super().__init__()
        self.scale = None if scale is None else check_scale(scale, (1, 2, 3, 4, 6, 8))
        self.channels, self.multiple_of, self.n_feats = check_channels(channels), 1, n_feats
        layers: list[nn.Module] = [nn.Conv2d(channels, n_feats, 3, padding=1), nn.PReLU(n_feats)]
        for _ in range(n_blocks):
            layers += [nn.Conv2d(n_feats, n_feats, 3, padding=1), nn.PReLU(n_feats)]
        if scale is not None:
            layers.append(nn.Conv2d(n_feats, channels * scale**2, 3, padding=1))
        self.body = nn.Sequential(*layers)
        self.n_deep = 2 * n_blocks + 2  # layers before the last convolution

    def features(self, x: Tensor) -> Tensor:
        """(N, `channels`, H, W) -> (N, n_feats, H, W)."""
        return self.body[: self.n_deep](x)

    def forward(self, lr: Tensor) -> Tensor:
        if self.scale is None:
            raise features_alone("Compact")
        # Not `+=`: under autocast the residual is bfloat16, and only a new tensor is promoted to float32.
        return F.interpolate(lr, scale_factor=self.scale, mode="nearest") + F.pixel_shuffle(self.body(lr), self.scale)
