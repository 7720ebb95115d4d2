"""Compact (SRVGGNetCompact): a plain stack of convolutions on the LR grid plus nearest-neighbour upsampling of the input.

Wang, Xie, Dong, Shan: Real-ESRGAN, 2021, arXiv:2107.10833; the network came with release v0.2.5.0 of
xinntao/Real-ESRGAN (realesr-animevideov3, realesr-general-x4v3).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.network.prelu import PReLU
from sr.network.release import Release, Shapes, root
from sr.network.upsample import check_channels, check_scale, check_widths, features_alone


def options(shapes: Shapes, channels: int = 3) -> dict[str, Any]:
    """Shapes of a file -> options of `Compact`, but `channels`."""
    last = max(int(key.split(".")[1]) for key in shapes if key.startswith("body."))
    widths = [shapes[f"body.{layer}.weight"][0] for layer in range(0, last, 2)]
    return {
        "scale": root(shapes[f"body.{last}.weight"][0], channels),
        "n_feats": widths[0],
        "n_blocks": last // 2 - 1,
        **({"widths": widths} if len(set(widths)) > 1 else {}),
    }


class Compact(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x1 (restoration), x2, x3, x4, x8.

    `n_blocks` is the number of middle convolutions (num_conv in the release; 16 for animevideov3, 32 for general).
    `widths` are the channels after each convolution but the last, `n_blocks` + 1 numbers, as pruning leaves them; by default
    all are `n_feats`. Keys of the release, whose files load: body.N. scale=None: features alone (sr/network/any_scale.py).
    """

    release = Release(("body.0.weight", "body.1.weight"), options)

    def __init__(
        self,
        *,
        scale: int | None = 4,
        channels: int = 3,
        n_feats: int = 64,
        n_blocks: int = 16,
        widths: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.scale = None if scale is None else check_scale(scale, (1, 2, 3, 4, 6, 8))
        widths = check_widths(widths, n_feats, n_blocks + 1)
        self.channels, self.multiple_of, self.n_feats = check_channels(channels), 1, widths[-1]
        layers: list[nn.Module] = [nn.Conv2d(channels, widths[0], 3, padding=1), PReLU(widths[0])]
        for before, after in pairwise(widths):
            layers += [self.middle(before, after), PReLU(after)]
        if scale is not None:
            layers.append(nn.Conv2d(widths[-1], channels * scale**2, 3, padding=1))
        self.body = nn.Sequential(*layers)
        self.n_deep = 2 * n_blocks + 2  # layers before the last convolution

    @staticmethod
    def middle(n_in: int, n_out: int) -> nn.Module:
        """One of the `n_blocks` convolutions, (N, n_in, H, W) -> (N, n_out, H, W)."""
        return nn.Conv2d(n_in, n_out, 3, padding=1)

    def prunable(self) -> list[nn.Module]:
        """The convolutions whose numbers of output channels are `widths` (sr/model/channels.py)."""
        return list(self.body[: self.n_deep : 2])

    def features(self, x: Tensor) -> Tensor:
        """(N, `channels`, H, W) -> (N, n_feats, H, W)."""
        return self.body[: self.n_deep](x)

    def forward(self, lr: Tensor) -> Tensor:
        if self.scale is None:
            raise features_alone("Compact")
        # Not `+=`: under autocast the residual is bfloat16, and only a new tensor is promoted to float32.
        return F.interpolate(lr, scale_factor=self.scale, mode="nearest") + F.pixel_shuffle(self.body(lr), self.scale)
