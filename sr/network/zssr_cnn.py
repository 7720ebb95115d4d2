"""ZSSR's network: eight convolutions on the bicubic-enlarged image, which learn what is missing from it.

Shocher, Cohen, Irani: "Zero-Shot" Super-Resolution using Deep Internal Learning, 2018, arXiv:1712.06087, section 3.
"""

import math

import torch
import torch.nn as nn
from torch import Tensor

from sr.errors import InputError
from sr.functional.resize import imresize
from sr.network.release import Release, count
from sr.network.upsample import check_channels

_imresize = torch.compiler.disable(imresize)  # uses numpy tables, which torch.compile cannot guard
_VARIANCE = 0.1  # of a layer's output for an input of variance 1, at the start (configs.py of the authors: init_variance)
_BAND = 2**20  # pixels through the network at once, in evaluation: 64 features of 4 bytes are 256 MB


class ZSSRCNN(nn.Module):
    """(N, C, H, W) -> (N, C, sH, sW), or any `size`. 225K parameters; the convolutions have no biases, as the authors'.

    InputError: n_layers below 2, or a scale below 1.
    """

    release = Release(
        ("residual.0.weight", "residual.2.weight"),
        lambda shapes: {
            "channels": shapes["residual.0.weight"][1],
            "n_feats": shapes["residual.0.weight"][0],
            "n_layers": count(shapes, r"residual\.(\d+)\.weight"),
        },
    )

    def __init__(self, *, scale: int = 2, channels: int = 3, n_feats: int = 64, n_layers: int = 8) -> None:
        super().__init__()
        if scale < 1:
            raise InputError(f"scale {scale!r} is not supported; choose a whole number from 1 up")
        if n_layers < 2:
            raise InputError(f"n_layers={n_layers}: pass at least 2")
        self.scale, self.scales = scale, (1, scale)
        self.channels, self.multiple_of = check_channels(channels), 1
        widths = [channels, *[n_feats] * (n_layers - 1), channels]
        layers = [nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in zip(widths, widths[1:], strict=False)]
        self.residual = nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU(inplace=True))))[:-1]
        self.reach = n_layers
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Draw all weights anew."""
        with torch.no_grad():
            for weight in self.parameters():
                drawn = torch.empty(weight.shape).normal_(0, math.sqrt(_VARIANCE / weight[0].numel()), generator=generator)
                weight.copy_(drawn)

    def forward(self, lr: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        return self.refined(_imresize(lr, size=size or tuple(self.scale * side for side in lr.shape[-2:])))

    def refined(self, enlarged: Tensor) -> Tensor:
        """(N, C, H, W) of the result's size, with what is missing from it; in evaluation large images in bands of rows."""
        height, width = enlarged.shape[-2:]
        if torch.is_grad_enabled() or height * width <= _BAND:
            return enlarged + self.residual(enlarged)
        made, rows = torch.empty_like(enlarged), max(_BAND // width, 1)
        for top in range(0, height, rows):
            first, bottom = max(top - self.reach, 0), min(top + rows, height)
            part = enlarged[..., first : min(bottom + self.reach, height), :]
            made[..., top:bottom, :] = (part + self.residual(part))[..., top - first : bottom - first, :]
        return made
