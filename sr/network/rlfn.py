"""RLFN: RFDN without the distillation branches, whose many small convolutions cost time rather than multiplications.

Kong et al.: Residual Local Feature Network for Efficient Super-Resolution, 2022, arXiv:2205.07514; first place in the runtime
track of NTIRE 2022's challenge on efficient super-resolution, arXiv:2205.05675.
"""

from collections.abc import Sequence

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.network.attention import ESA_LEAST, surroundings
from sr.network.release import Release, Shapes, direct
from sr.network.rfdn import DILATIONS, RANGES_AND_SKIPS, check_dilation
from sr.network.upsample import DirectUpsampler, check_channels, check_scale, check_skip, skipped


def _options(shapes: Shapes) -> dict[str, int]:
    return direct("conv_1.weight", r"block_(\d+)\.")(shapes) | {"n_mid_feats": shapes["block_1.c1_r.weight"][0]}


class RLFN(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x1 (restoration), x2, x3, x4, x8.

    Keys of bytedance/RLFN, whose files load: conv_1, block_1 ... block_6, conv_2, upsampler; and those of the authors' entry in
    NTIRE 2022's challenge, with RFDN's names: fea_conv, B1 ... B4, LR_conv.

    Args:
        scale: 1 (restoration), 2, 3, 4 or 8.
        channels: bands of the image.
        n_feats, n_blocks: features; blocks.
        n_mid_feats: features inside a block; None: n_feats.
        rgb_range: the releases work on pixels in 0..255; later variants on 0..1.
        dilation: of a block's three 3x3 convolutions, in order. 1 in the releases.
        skip: none; or nearest, bilinear, bicubic: upsampling of the input that is added to the result. None in the releases.
    """

    release = Release(
        ("block_1.c1_r.weight", "block_1.esa.conv1.weight"),
        _options,
        variants=RANGES_AND_SKIPS,
        rare=[{**variant, "dilation": dilation} for dilation in DILATIONS for variant in RANGES_AND_SKIPS[:4]],
        names=[(r"^fea_conv\.", "conv_1."), (r"^B(\d+)\.", r"block_\1."), (r"^LR_conv\.", "conv_2.")],
    )

    def __init__(
        self,
        *,
        scale: int = 4,
        channels: int = 3,
        n_feats: int = 52,
        n_mid_feats: int | None = None,
        n_blocks: int = 6,
        rgb_range: float = 255.0,
        dilation: Sequence[int] = (1, 1, 1),
        skip: str = "none",
    ) -> None:
        super().__init__()
        self.least = ESA_LEAST
        self.scale = check_scale(scale, (1, 2, 3, 4, 8))
        self.channels, self.multiple_of = check_channels(channels), 1
        self.rgb_range = rgb_range
        self.skip = check_skip(skip)
        self.conv_1 = nn.Conv2d(channels, n_feats, 3, padding=1)
        self.blocks = [f"block_{i + 1}" for i in range(n_blocks)]
        for name in self.blocks:
            self.add_module(name, RLFB(n_feats, n_mid_feats or n_feats, check_dilation(dilation, 3)))
        self.conv_2 = nn.Conv2d(n_feats, n_feats, 3, padding=1)
        self.upsampler = DirectUpsampler(scale=scale, n_feats=n_feats, channels=channels)

    def forward(self, lr: Tensor) -> Tensor:
        x = first = self.conv_1(lr * self.rgb_range)
        for name in self.blocks:
            x = self.get_submodule(name)(x)
        return self.upsampler(self.conv_2(x) + first) / self.rgb_range + skipped(lr, self.scale, self.skip)


class RLFB(nn.Module):
    """(N, n_feats, H, W) -> the same; section 3.2."""

    def __init__(self, n_feats: int, n_mid_feats: int, dilation: Sequence[int]) -> None:
        super().__init__()
        first, second, third = dilation
        self.c1_r = nn.Conv2d(n_feats, n_mid_feats, 3, padding=first, dilation=first)
        self.c2_r = nn.Conv2d(n_mid_feats, n_mid_feats, 3, padding=second, dilation=second)
        self.c3_r = nn.Conv2d(n_mid_feats, n_feats, 3, padding=third, dilation=third)
        self.c5 = nn.Conv2d(n_feats, n_feats, 1)
        self.esa = ShortESA(n_feats)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for conv in (self.c1_r, self.c2_r, self.c3_r):
            y = F.leaky_relu(conv(y), 0.05)
        return self.esa(self.c5(x + y))


class ShortESA(nn.Module):
    """ESA with one convolution instead of three (section 3.2): (N, n_feats, H, W) -> the same; H, W of at least 3."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        f = 16  # esa_channels of the release, for every width
        self.conv1 = nn.Conv2d(n_feats, f, 1)
        self.conv_f = nn.Conv2d(f, f, 1)
        self.conv2 = nn.Conv2d(f, f, 3, stride=2)
        self.conv3 = nn.Conv2d(f, f, 3, padding=1)
        self.conv4 = nn.Conv2d(f, n_feats, 1)

    def forward(self, x: Tensor) -> Tensor:
        narrow = self.conv1(x)
        around = F.interpolate(self.conv3(surroundings(self.conv2(narrow))), x.shape[2:], mode="bilinear")
        return x * torch.sigmoid(self.conv4(around + self.conv_f(narrow)))
