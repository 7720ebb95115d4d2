"""Parts that networks for clips share: trunks of residual blocks, optical flow between frames, and the tail on the HR grid.

A network for clips has `clips = True` and `reach_t` (sr/functional/frames.py). Names of layers are those of BasicSR; `NAMES`
are those of mmediting and mmagic, in which most weights are released. Methods named in `recomputed` are steps in time, which
`model.checkpoint_activations=true` computes again in the backward pass.
"""

from collections.abc import Callable

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.network.release import Shapes, count
from sr.network.upsample import check_channels, check_scale

SLOPE = 0.1  # of leaky ReLU, as in all networks here
# (mmagic's name, ours): a convolution with its activation is one module there, so that SPyNet's are numbered without gaps.
NAMES = [
    *((rf"(basic_module\.\d+\.basic_module)\.{n}\.conv\.", rf"\1.{2 * n}.") for n in range(5)),
    (r"\.conv\.(weight|bias)$", r".\1"),
    (r"(^|\.)(forward|backward)_resblocks\.", r"\1\2_trunk."),
    (r"(^|\.)upsample(\d)\.upsample_conv\.", r"\1upconv\2."),
    (r"(^|\.)feat_l(\d)_conv(\d)\.", r"\1conv_l\2_\3."),
    (r"(^|\.)pcd_alignment\.", r"\1pcd_align."),
]


class ClipNetwork(nn.Module):
    """(N, T, `channels`, h, w) in [0, 1] -> (N, T, `channels`, sh, sw); x2 and x4. Subclasses call `add_tail`.

    x4 is as released; x2 leaves out the first of the two sub-pixel convolutions.
    """

    clips = True
    reach_t: int | None = None  # the whole clip
    recomputed: tuple[str, ...] = ("enlarged",)

    def __init__(self, scale: int, channels: int, multiple_of: int = 1) -> None:
        super().__init__()
        self.scale = check_scale(scale, (2, 4))
        self.channels, self.multiple_of = check_channels(channels), multiple_of

    def add_tail(self, n_feats: int) -> None:
        """The layers of `enlarged`: sub-pixel convolutions and two convolutions on the HR grid."""
        if self.scale == 4:
            self.upconv1 = nn.Conv2d(n_feats, 4 * n_feats, 3, padding=1)
        self.upconv2 = nn.Conv2d(n_feats, 4 * 64, 3, padding=1)  # 64 features on the HR grid in each release
        self.conv_hr = nn.Conv2d(64, 64, 3, padding=1)
        self.conv_last = nn.Conv2d(64, self.channels, 3, padding=1)

    def enlarged(self, x: Tensor, lr: Tensor) -> Tensor:
        """Features (N, n_feats, h, w) and the frame (N, `channels`, h, w) -> (N, `channels`, sh, sw)."""
        if self.scale == 4:
            x = leaky(F.pixel_shuffle(self.upconv1(x), 2))
        x = leaky(F.pixel_shuffle(self.upconv2(x), 2))
        x = self.conv_last(leaky(self.conv_hr(x)))
        return x + F.interpolate(lr, scale_factor=self.scale, mode="bilinear", align_corners=False)


def flows(spynet: Callable[[Tensor, Tensor], Tensor], clip: Tensor) -> tuple[Tensor, Tensor]:
    """Flows (N, T - 1, 2, h, w) of each frame to its next one, and of each frame but the first to the one before it.

    SPyNet was trained on RGB: other bands are given to it as their mean.
    """
    n, t, c, h, w = clip.shape
    if t == 1:
        return (none := clip.new_zeros(n, 0, 2, h, w)), none
    rgb = clip if c == 3 else clip.mean(2, keepdim=True).expand(-1, -1, 3, -1, -1)
    first, second = rgb[:, :-1].reshape(-1, 3, h, w), rgb[:, 1:].reshape(-1, 3, h, w)
    return spynet(first, second).view(n, t - 1, 2, h, w), spynet(second, first).view(n, t - 1, 2, h, w)


def leaky(x: Tensor) -> Tensor:
    """Leaky ReLU in place: of results that nothing else reads."""
    return F.leaky_relu(x, SLOPE, inplace=True)


def initialised(conv: nn.Conv2d, factor: float = 0.1) -> nn.Conv2d:
    """He's initialisation times a factor, without bias: a block then starts near the identity (BasicSR, ESRGAN)."""
    nn.init.kaiming_normal_(conv.weight)
    with torch.no_grad():
        conv.weight.mul_(factor)
        conv.bias.zero_()
    return conv


class ResidualBlock(nn.Module):
    """x + (convolution, ReLU, convolution)."""

    def __init__(self, n_feats: int) -> None:
        super().__init__()
        self.conv1 = initialised(nn.Conv2d(n_feats, n_feats, 3, padding=1))
        self.conv2 = initialised(nn.Conv2d(n_feats, n_feats, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(x), inplace=True))


def blocks(n_feats: int, n_blocks: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(n_feats) for _ in range(n_blocks)))


class Trunk(nn.Module):
    """(N, n_in, h, w) -> (N, n_feats, h, w): a convolution, then residual blocks."""

    def __init__(self, n_in: int, n_feats: int, n_blocks: int) -> None:
        super().__init__()
        first = nn.Conv2d(n_in, n_feats, 3, padding=1)
        self.main = nn.Sequential(first, nn.LeakyReLU(SLOPE, inplace=True), blocks(n_feats, n_blocks))

    def forward(self, *parts: Tensor) -> Tensor:
        return self.main(torch.cat(parts, dim=1))


def size_of(shapes: Shapes, trunk: str, prefix: str = "") -> dict[str, int]:
    """Options that the shapes of a file tell: scale, channels, n_feats, n_blocks of the trunk with this name."""
    return {
        "scale": 4 if f"{prefix}upconv1.weight" in shapes else 2,
        "channels": shapes[f"{prefix}conv_last.weight"][0],
        "n_feats": shapes[f"{prefix}upconv2.weight"][1],
        "n_blocks": count(shapes, rf"{prefix}{trunk}\.main\.2\.(\d+)\."),
    }
