"""VapSR: pixel attention with large depthwise kernels, and pixel normalisation.

Zhou, Cai, Gu, Li, Liu, Chen, Qiao, Dong: Efficient Image Super-Resolution using Vast-Receptive-Field Attention, 2022,
arXiv:2210.05960.
"""

import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.network.release import Release, Shapes, count, root
from sr.network.upsample import check_channels, check_scale


def _options(shapes: Shapes) -> dict[str, int]:
    first, n_feats = shapes["upsampler.0.weight"], shapes["conv_first.weight"][0]
    twice = "upsampler.3.weight" in shapes
    return {
        "scale": 4 if twice else root(shapes["upsampler.2.weight"][0]),
        "n_feats": n_feats,
        "n_attention_feats": shapes["body.0.proj_1.weight"][0],
        "n_blocks": count(shapes, r"body\.(\d+)\."),
        "n_up_feats": first[0],
        "groups": n_feats // shapes["conv_body.weight"][1],
    }


class VapSR(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x1 (restoration), x2, x3, x4.

    Keys of zhoumumu/VapSR: conv_first, body.N, conv_body, upsampler.

    Args:
        scale: 1, 2, 3 or 4.
        channels: bands of the image.
        n_feats, n_attention_feats, n_blocks: features outside and inside the attention; blocks (21 at x4, 20 at x2 and x3).
        n_up_feats: features of the first convolution after the body; None: 64 at x4, 56 at x2 and x3.
        groups: groups of the convolution at the end of the body; 2 in VapSR-S.
    """

    release = Release(("conv_first.weight", "body.0.atten_branch.pointwise.weight", "body.0.pixel_norm.weight"), _options)

    def __init__(
        self,
        *,
        scale: int = 4,
        channels: int = 3,
        n_feats: int = 48,
        n_attention_feats: int = 64,
        n_blocks: int = 21,
        n_up_feats: int | None = None,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.scale = check_scale(scale, (1, 2, 3, 4))
        self.channels, self.multiple_of = check_channels(channels), 1
        self.conv_first = nn.Conv2d(channels, n_feats, 3, padding=1)
        self.body = nn.Sequential(*(Block(n_feats, n_attention_feats) for _ in range(n_blocks)))
        self.conv_body = nn.Conv2d(n_feats, n_feats, 3, padding=1, groups=groups)
        n_up = n_up_feats or (64 if scale == 4 else 56)
        first, activation = nn.Conv2d(n_feats, n_up, 3, padding=1), nn.LeakyReLU(0.1, inplace=True)
        if scale == 4:
            last = nn.Conv2d(n_up // 4, channels * 4, 3, padding=1)
            self.upsampler = nn.Sequential(first, nn.PixelShuffle(2), activation, last, nn.PixelShuffle(2))
        else:
            self.upsampler = nn.Sequential(
                first, activation, nn.Conv2d(n_up, channels * scale**2, 3, padding=1), nn.PixelShuffle(scale)
            )

    def forward(self, lr: Tensor) -> Tensor:
        x = self.conv_first(lr)
        return self.upsampler(x + self.conv_body(self.body(x)))


class Block(nn.Module):
    """(N, n_feats, H, W) -> the same: 1x1, GELU, attention, 1x1, residual, each pixel's features normalised; section 3.2."""

    def __init__(self, n_feats: int, n_attention_feats: int) -> None:
        super().__init__()
        self.proj_1 = nn.Conv2d(n_feats, n_attention_feats, 1)
        self.atten_branch = Attention(n_attention_feats)
        self.proj_2 = nn.Conv2d(n_attention_feats, n_feats, 1)
        self.pixel_norm = nn.LayerNorm(n_feats)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.proj_2(self.atten_branch(F.gelu(self.proj_1(x))))
        return self.pixel_norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Attention(nn.Module):
    """(N, C, H, W) -> the same: each value is scaled by attention over 17x17 pixels, without a sigmoid; section 3.1."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        self.pointwise = nn.Conv2d(n_feats, n_feats, 1)
        self.depthwise = nn.Conv2d(n_feats, n_feats, 5, padding=2, groups=n_feats)
        self.depthwise_dilated = nn.Conv2d(n_feats, n_feats, 5, padding=6, dilation=3, groups=n_feats)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.depthwise_dilated(self.depthwise(self.pointwise(x)))
