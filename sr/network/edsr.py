"""EDSR: residual blocks without batch normalisation, with residual scaling for wide networks.

Lim, Son, Kim, Nah, Lee: Enhanced Deep Residual Networks for Single Image Super-Resolution, 2017, arXiv:1707.02921.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn as nn
from torch import Tensor

from sr.network.release import Release, Shapes, count, shuffled
from sr.network.upsample import Upsampler, check_channels, check_scale, check_widths, features_alone

DIV2K_MEAN = (0.4488, 0.4371, 0.4040)  # RGB, [0, 1]; mean of the training images, as in the release


def _options(shapes: Shapes) -> dict[str, Any]:
    return {"scale": shuffled(shapes, r"tail\.0\.\d+\.weight"), **body_options(shapes)}


def body_options(shapes: Shapes) -> dict[str, Any]:
    """The options of the layers before those that enlarge."""
    n_feats, n_blocks = shapes["head.0.weight"][0], count(shapes, r"body\.(\d+)\.body")
    widths = [shapes[f"body.{block}.body.0.weight"][0] for block in range(n_blocks)]
    return {
        "n_feats": n_feats,
        "n_blocks": n_blocks,
        **({"widths": widths} if set(widths) != {n_feats} else {}),
        "res_scale": 0.1 if n_feats == 256 else 1.0,  # the paper's two networks, table 1
    }


class EDSR(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, sH, sW); x1 (restoration), x2, x3, x4, x8.

    The defaults are the large network; 64 features, 16 blocks and res_scale 1 are the baseline (section 4.3, table 1).
    `widths` are the channels between the two convolutions of each block, as pruning leaves them; by default all are `n_feats`.
    Keys of sanghyun-son/EDSR-PyTorch, whose files load: sub_mean, head, body, tail, add_mean. Internally pixels are in the
    range of the release, 0..`rgb_range`, minus the mean of DIV2K. scale=None: features alone (sr/network/any_scale.py).
    """

    release = Release(
        ("head.0.weight", "body.0.body.2.weight", "sub_mean.weight"),
        _options,
        variants=({}, {"res_scale": 1.0}, {"res_scale": 0.1}),
        rare=({"rgb_range": 1.0}, {"rgb_range": 1.0, "res_scale": 1.0}, {"rgb_range": 1.0, "res_scale": 0.1}),
    )

    def __init__(
        self,
        *,
        scale: int | None = 2,
        channels: int = 3,
        n_feats: int = 256,
        n_blocks: int = 32,
        res_scale: float = 0.1,
        rgb_range: float = 255.0,
        widths: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.scale = None if scale is None else check_scale(scale, (1, 2, 3, 4, 8))
        self.channels, self.multiple_of, self.n_feats = check_channels(channels), 1, n_feats
        self.rgb_range = rgb_range
        self.sub_mean = MeanShift(-rgb_range, channels)
        self.head = nn.Sequential(nn.Conv2d(channels, n_feats, 3, padding=1))
        blocks = [ResBlock(n_feats, res_scale, inner=inner) for inner in check_widths(widths, n_feats, n_blocks)]
        self.body = nn.Sequential(*blocks, nn.Conv2d(n_feats, n_feats, 3, padding=1))
        if scale is not None:
            self.tail = nn.Sequential(Upsampler(scale=scale, n_feats=n_feats), nn.Conv2d(n_feats, channels, 3, padding=1))
        self.add_mean = MeanShift(rgb_range, channels)

    def prunable(self) -> list[nn.Module]:
        """The convolutions whose numbers of output channels are `widths` (sr/model/channels.py)."""
        return [block.body[0] for block in self.body if isinstance(block, ResBlock)]

    def features(self, x: Tensor) -> Tensor:
        """(N, `channels`, H, W) -> (N, n_feats, H, W); the mean is not subtracted."""
        x = self.head(x)
        return x + self.body(x)

    def forward(self, lr: Tensor) -> Tensor:
        if self.scale is None:
            raise features_alone("EDSR")
        x = self.tail(self.features(self.sub_mean(lr * self.rgb_range)))
        return self.add_mean(x) / self.rgb_range


class ResBlock(nn.Module):
    """x + res_scale * (convolution, ReLU, convolution); section 3.1, residual scaling in section 3.2.

    `inner` is the number of channels between the two; by default `n_feats`.
    """

    def __init__(self, n_feats: int, res_scale: float, conv: type[nn.Module] = nn.Conv2d, inner: int | None = None) -> None:
        super().__init__()
        inner = n_feats if inner is None else inner
        self.body = nn.Sequential(
            conv(n_feats, inner, 3, padding=1),
            nn.ReLU(inplace=True),
            conv(inner, n_feats, 3, padding=1),
        )
        self.res_scale = res_scale

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) * self.res_scale


class MeanShift(nn.Module):
    """Add `factor` times the mean of DIV2K to RGB (N, 3, H, W); other numbers of channels are unchanged.

    The release uses a frozen 1x1 convolution. A sum keeps float32 under autocast, where the convolution would round pixels of
    0..255 to whole levels in bfloat16. `weight`, the identity in every release, is kept for its key.
    """

    def __init__(self, factor: float, channels: int = 3) -> None:
        super().__init__()
        self.register_buffer("weight", torch.eye(channels).reshape(channels, channels, 1, 1))
        self.register_buffer("bias", factor * torch.tensor(DIV2K_MEAN if channels == 3 else (0.0,) * channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias[:, None, None]
