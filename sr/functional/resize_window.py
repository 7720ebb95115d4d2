"""MATLAB's imresize of a part of an image: the pixels around the part are there, so that its edges are no edges."""

from functools import lru_cache

import torch
from torch import Tensor

from sr.functional.resize import contributions

_TIE = 1e-9  # sums that are half a level but for rounding errors of float64 are rounded up, on every machine


def imresize_window(image: Tensor, margin: int, size: int, *, rounding: bool | int | None = False) -> Tensor:
    """The middle of (N, C, S, S), a square of S - 2 * margin, resized by bicubic interpolation to (N, C, size, size).

    The result is that part of imresize of a whole image by the same scale, size / (S - 2 * margin), if the part begins where
    a pixel of the result does: in every bit at whole scales; at others ties, which imresize leaves to rounding errors, are
    rounded up. `margin` is at least `reach`; `rounding` is as of `sr.functional.resize.imresize`.
    """
    weights, unit = _matrix(image.shape[-1], margin, size, image.device)
    levels = 255 if rounding is True else rounding or None
    x = (image * levels).round_().double() if levels else image.double()
    x = _rounded(torch.matmul(weights, x), unit, levels)  # rows first
    x = _rounded(torch.matmul(x, weights.t()), unit, levels)
    return (x / levels if levels else x).to(image.dtype)


def reach(side: int, size: int) -> int:
    """Pixels around a square of `side` that its resizing to `size` <= side needs."""
    return 2 * -(-side // size) + 1


def _rounded(x: Tensor, unit: int, levels: int | None) -> Tensor:
    x = x.div_(unit)
    return x.add_(0.5 + _TIE).floor_().clamp_(0, levels) if levels else x


@lru_cache(maxsize=256)
def _matrix(length: int, margin: int, size: int, device: torch.device) -> tuple[Tensor, int]:
    """Weights (size, length) of each pixel, float64, as multiples of 1 / unit."""
    side = length - 2 * margin
    first, weights, unit, _ = contributions(side, size, size / side, "cubic", True)
    with torch.inference_mode(False):
        places = torch.from_numpy(first + margin)[:, None] + torch.arange(weights.shape[1])
        matrix = torch.zeros(size, length, dtype=torch.float64).scatter_(1, places, torch.from_numpy(weights))
        return matrix.to(device), unit
