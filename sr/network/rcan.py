"""RCAN: residual groups of residual blocks with channel attention.

Zhang, Li, Li, Wang, Zhong, Fu: Image Super-Resolution Using Very Deep Residual Channel Attention Networks, 2018,
arXiv:1807.02758.
"""

import torch.nn as nn
from torch import Tensor

from sr.network.attention import ChannelAttention
from sr.network.edsr import MeanShift
from sr.network.release import Release, Shapes, count, shuffled
from sr.network.upsample import Upsampler, check_channels, check_scale


def _options(shapes: Shapes) -> dict[str, int]:
    n_hidden, n_feats = shapes["body.0.body.0.body.3.conv_du.0.weight"][:2]
    return {
        "scale": shuffled(shapes, r"tail\.0\.\d+\.weight"),
        "n_feats": n_feats,
        "n_groups": count(shapes, r"body\.(\d+)\.body"),
        "n_blocks": count(shapes, r"body\.0\.body\.(\d+)\.body"),
        "reduction": n_feats // n_hidden,
    }


class RCAN(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x1 (restoration), x2, x3, x4, x8.

    `n_groups` groups of `n_blocks` blocks (10 and 20, section 4.1). Keys of yulunzhang/RCAN, whose files load: sub_mean,
    head, body, tail, add_mean. Inside, pixels are on the range of the release, 0..`rgb_range`, minus the mean of DIV2K.
    """

    release = Release(
        ("head.0.weight", "body.0.body.0.body.3.conv_du.0.weight", "sub_mean.weight"), _options, rare=({"rgb_range": 1.0},)
    )

    def __init__(
        self,
        *,
        scale: int = 4,
        channels: int = 3,
        n_feats: int = 64,
        n_groups: int = 10,
        n_blocks: int = 20,
        reduction: int = 16,
        rgb_range: float = 255.0,
    ) -> None:
        super().__init__()
        self.scale = check_scale(scale, (1, 2, 3, 4, 8))
        self.channels, self.multiple_of = check_channels(channels), 1
        self.rgb_range = rgb_range
        self.sub_mean = MeanShift(-rgb_range, channels)
        self.head = nn.Sequential(nn.Conv2d(channels, n_feats, 3, padding=1))
        groups = [
            Residual(
                *(residual_block(n_feats, reduction) for _ in range(n_blocks)),
                nn.Conv2d(n_feats, n_feats, 3, padding=1),
            )
            for _ in range(n_groups)
        ]
        self.body = nn.Sequential(*groups, nn.Conv2d(n_feats, n_feats, 3, padding=1))
        self.tail = nn.Sequential(Upsampler(scale=scale, n_feats=n_feats), nn.Conv2d(n_feats, channels, 3, padding=1))
        self.add_mean = MeanShift(rgb_range, channels)

    def forward(self, lr: Tensor) -> Tensor:
        x = self.head(self.sub_mean(lr * self.rgb_range))
        x = self.tail(x + self.body(x))
        return self.add_mean(x) / self.rgb_range


class Residual(nn.Module):
    """x + body(x): a group (section 3.2) or a block (section 3.3)."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def residual_block(n_feats: int, reduction: int) -> Residual:
    """RCAB: convolution, ReLU, convolution, channel attention."""
    return Residual(
        nn.Conv2d(n_feats, n_feats, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(n_feats, n_feats, 3, padding=1),
        ChannelAttention(n_feats, reduction),
    )
