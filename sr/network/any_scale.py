"""Base class of networks of any scale: a backbone's features on the grid of LR, and a head that turns them into colour at any
position.

A backbone is a network with `features(x)`, (N, channels, H, W) -> (N, n_feats, H, W), and the attribute `n_feats`; it is built
with scale=None, without the layers that enlarge.
"""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import torch
from torch import Tensor, nn

from sr.errors import InputError
from sr.network.positions import Positions, at, rows_of
from sr.network.upsample import check_channels

QUERIES = 1 << 13  # pixels computed at once without gradients: 8192 x 256 floats, 8 MB, stay in the caches


class AnyScale(nn.Module):
    """(N, `channels`, H, W) in [0, 1] -> (N, `channels`, *size), by default `scale` times as large.

    With `pixels` (N, Q), places in the rows of the result, only these pixels: (N, `channels`, Q, 1); `size` may then be int64
    (N, 2), for results of different sizes. A subclass defines `encode` and `query`. Inside, pixels are in [-1, 1], as in the
    authors' releases.

    Args:
        backbone: gives the features; see above.
        scale: the scale of a result whose size is not passed.
        channels: bands of the image.
        scales: the smallest and the largest scale of the training; others are possible, with a warning. None: `scale` alone.

    Raises:
        InputError: a scale below 1, no range, a backbone without features or with other channels.
    """

    def __init__(self, *, backbone: nn.Module, scale: int, channels: int, scales: Sequence[float] | None) -> None:
        super().__init__()
        if type(scale) is not int or scale < 1:
            raise InputError(f"scale {scale!r} is not supported; choose a whole number from 1 up")
        self.scale, self.channels = scale, check_channels(channels)
        self.scales = (scale, scale) if scales is None else check_range("network.scales", scales)
        if not callable(getattr(backbone, "features", None)) or not hasattr(backbone, "n_feats"):
            raise InputError(
                f"network.backbone: {type(backbone).__name__} gives no features: pass network.backbone=compact, edsr_baseline, "
                "rdn or swinir_light, or write a method features and an attribute n_feats into its class"
            )
        if backbone.channels != channels:
            raise InputError(f"network.backbone.channels={backbone.channels}, but network.channels={channels}: pass the same")
        self.encoder, self.multiple_of = backbone, backbone.multiple_of

    def encode(self, features: Tensor) -> Any:
        """What of the head is computed once for each LR pixel."""
        raise NotImplementedError

    def query(self, encoded: Any, x: Tensor, positions: Positions) -> Tensor:
        """(N, Q, `channels`) in [-1, 1] at the positions; x is LR in [-1, 1]."""
        raise NotImplementedError

    def forward(self, lr: Tensor, size: tuple[int, int] | Tensor | None = None, pixels: Tensor | None = None) -> Tensor:
        if size is None:
            size = (round(side * self.scale) for side in lr.shape[-2:])
        size = size.split(1, 1) if isinstance(size, Tensor) else tuple(size)
        x = lr * 2 - 1
        encoded = self.encode(self.encoder.features(x))

        def found(places: Tensor) -> Tensor:
            """In float32: under autocast the last layer gives bfloat16."""
            return self.query(encoded, x, Positions(places, tuple(lr.shape[-2:]), size)).float() * 0.5 + 0.5

        if pixels is not None:
            return found(pixels).transpose(1, 2)[..., None]
        places = torch.arange(size[0] * size[1], device=lr.device)[None]
        parts = [places] if torch.is_grad_enabled() else places.split(QUERIES, 1)
        result = torch.cat([found(part) for part in parts], 1)
        return result.view(len(lr), *size, self.channels).permute(0, 3, 1, 2)


class MLP(nn.Module):
    """Linear layers with ReLU between them; the authors' keys, layers.0, layers.2, ..."""

    def __init__(self, n_in: int, n_out: int, hidden: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in hidden:
            layers += [nn.Linear(n_in, width), nn.ReLU()]
            n_in = width
        self.layers = nn.Sequential(*layers, nn.Linear(n_in, n_out))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def ensemble(values: Sequence[Tensor], offsets: Sequence[Tensor]) -> Tensor:
    """Local ensemble (LIIF, section 3.2): results (N, Q, C) from the four LR pixels around, weighted by the area of the
    rectangle to the opposite one."""
    areas = [(offset[..., 0] * offset[..., 1]).abs() + 1e-9 for offset in offsets]
    total = sum(areas)
    return sum(value * (area / total)[..., None] for value, area in zip(values, reversed(areas), strict=True))


def bilinear(x: Tensor, positions: Positions) -> Tensor:
    """The bilinear interpolation of LR (N, C, H, W) at the positions: (N, Q, C)."""
    rows = rows_of(x)
    return sum(at(rows, pixel) * weight for pixel, weight in positions.bilinear())


def check_range(key: str, scales: Any) -> tuple[float, float]:
    """(smallest, largest) of a range of scales. InputError: not two numbers from 1 up, the smaller one first."""
    numbers = isinstance(scales, Sequence) and not isinstance(scales, str)
    numbers = numbers and all(isinstance(one, Real) and not isinstance(one, bool) for one in scales)
    if not numbers or len(scales) != 2 or not 1 <= scales[0] <= scales[1] < float("inf"):
        given = list(scales) if numbers else scales
        raise InputError(f"{key}={given}: pass the smallest and the largest scale, such as [1,4]; the smallest is at least 1")
    return scales[0], scales[1]
