"""The tiling of an image: position and blending of tiles, and padding of odd sizes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import Tensor

from sr.errors import InputError
from sr.functional.sent import sent

# Largest denominator of a scale: tiles start at its multiples, where pixels of LR and of the result are aligned.
FINEST = 100


def scaled(length: int, factor: Fraction) -> int:
    """Pixels of the result for a side of LR; at least one."""
    return max(round(length * factor), 1)


@dataclass(frozen=True)
class Window:
    """A tile along one side of an image.

    Args:
        start, stop: range of LR pixels.
        done: LR pixel up to which the result is complete after this tile: where the next one starts.
        weight: ((stop - start) * scale,) for its SR pixels; the weights of all tiles sum to 1 everywhere. None: all are 1.
    """

    start: int
    stop: int
    done: int
    weight: Tensor | None


def tiling(tile: int, overlap: int, multiple: int) -> tuple[int, int]:
    """Tile and overlap rounded up to a multiple; InputError if the tile is not larger than the overlap."""
    if not 0 <= overlap < tile:
        raise InputError(f"overlap={overlap} does not fit tile={tile}: it must be 0 or more, and smaller")
    overlap = -(-overlap // multiple) * multiple
    return max(-(-tile // multiple) * multiple, overlap + multiple), overlap


@dataclass(frozen=True)
class Grid:
    """How one side of an image is upscaled, whole or in tiles: SR pixel i is at (i + 0.5) / factor - 0.5 in both cases.

    Args:
        factor: SR pixels per LR pixel.
        multiple: tiles start and end at multiples of it, and the side is padded to one: of the network's, and of `factor`'s
            denominator, so that each tile has a whole number of SR pixels at the same positions as in the whole image.
        result: number of SR pixels.
        pixels: the LR pixels, mirrored at the end.
        windows: the tiles.
    """

    factor: Fraction
    multiple: int
    result: int
    pixels: Tensor
    windows: list[Window]

    @classmethod
    def by(cls, length: int, factor: Fraction, multiple: int, tile: int | None, overlap: int) -> Grid:
        """For `length` LR pixels, upscaled by a factor."""
        return cls._of(length, factor, scaled(length, factor), multiple, tile, overlap)

    @classmethod
    def to(cls, length: int, result: int, multiple: int, tile: int | None, overlap: int) -> Grid:
        """For `length` LR pixels, upscaled to `result`.

        Tiles need a factor with a small denominator. Otherwise the nearest one is used: an approximation.
        """
        factor = Fraction(result, length)
        if factor.denominator > FINEST and (tile is not None or multiple > 1):
            factor = factor.limit_denominator(FINEST)
        return cls._of(length, factor, result, multiple, tile, overlap)

    @classmethod
    def _of(cls, length: int, factor: Fraction, result: int, multiple: int, tile: int | None, overlap: int) -> Grid:
        multiple = math.lcm(multiple, factor.denominator)
        padded = -(-max(length, math.ceil(result / factor)) // multiple) * multiple
        size = (None, overlap) if tile is None else tiling(tile, overlap, multiple)
        pixels = mirrored(length, padded)
        return cls(factor, multiple, result, pixels, windows(len(pixels), *size, multiple, factor))

    def at(self, pixel: int) -> int:
        """Position in the result of an LR pixel that is a multiple."""
        return int(pixel * self.factor)

    def tile(self, tile: int, overlap: int) -> int:
        """The side of a tile rounded to this grid."""
        return tiling(tile, overlap, self.multiple)[0]


def windows(length: int, tile: int | None, overlap: int, multiple: int, scale: Fraction) -> list[Window]:
    """Tiles that cover `length` LR pixels; length, tile and overlap are multiples of `multiple`, and `scale` * `multiple` is
    whole.

    Tiles are as small as their number allows, share at least `overlap`, and start at multiples of `multiple`, so that
    attention windows have the same positions as in the whole image. Of the pixels that two share, the outer 3/8 on each side
    are discarded and the middle quarter is blended: if the receptive field is within those 3/8, the result equals the whole
    image's.
    """
    if tile is None or length <= tile:
        return [Window(0, length, length, None)]
    count = math.ceil((length - overlap) / (tile - overlap))
    tile = math.ceil((length + (count - 1) * overlap) / count / multiple) * multiple
    starts = [i * (length - tile) // (count - 1) // multiple * multiple for i in range(count)]
    rises = [_rise(tile, start + tile - following, scale) for start, following in zip(starts, starts[1:], strict=False)]
    ones = torch.ones(int(tile * scale), dtype=torch.float64)
    weights = [
        (rises[i - 1] if i else ones) * (rises[i].flip(0) if i < count - 1 else ones) for i in range(count)
    ]  # two overlapping tiles already sum to 1, but not three at one place
    total = torch.zeros(int(length * scale), dtype=torch.float64)
    for start, weight in zip(starts, weights, strict=True):
        total[int(start * scale) : int((start + tile) * scale)] += weight
    return [
        Window(start, start + tile, following, (weight / total[int(start * scale) : int((start + tile) * scale)]).float())
        for start, following, weight in zip(starts, [*starts[1:], length], weights, strict=True)
    ]


def placed(windows: Sequence[Window], device: torch.device | None) -> Sequence[Window]:
    """The same tiles with their weights on a device; None: where they are."""
    if device is None:
        return windows
    weights = iter(sent([one.weight for one in windows if one.weight is not None], device))
    return [one if one.weight is None else replace(one, weight=next(weights)) for one in windows]


def mirrored(length: int, multiple: int) -> Tensor:
    """Pixels of a side, mirrored at its end up to the next multiple; the last one is repeated if the side is too short."""
    index = torch.arange(length + -length % multiple)
    missing = len(index) - length
    return torch.where(index < length, index, 2 * (length - 1) - index) if missing < length else index.clamp(max=length - 1)


def padded(part: Callable[[slice, slice], Tensor], y: Tensor, x: Tensor) -> Tensor:
    """Rows y and columns x, mirrored beyond the edge."""
    top, left = int(y.min()), int(x.min())
    lr = part(slice(top, int(y.max()) + 1), slice(left, int(x.max()) + 1))
    return lr.index_select(-2, (y - top).to(lr.device)).index_select(-1, (x - left).to(lr.device))


def product_of(row: Tensor | None, column: Tensor | None) -> Tensor | None:
    """The weights (h, w) of a tile's pixels, of those of its rows and columns; None: all are 1."""
    if row is None or column is None:
        return column if row is None else row[:, None]
    return row[:, None] * column


def pad_to_multiple(image: Tensor, multiple: int) -> Tensor:
    """Mirror (N, C, H, W) at the bottom and the right until H and W are multiples; sides that are too small are repeated."""
    for dim in (-2, -1):
        if image.shape[dim] % multiple:
            image = image.index_select(dim, mirrored(image.shape[dim], multiple).to(image.device))
    return image


def _rise(tile: int, shared: int, scale: Fraction) -> Tensor:
    """A ramp from 0 to 1 over the middle quarter of `shared` LR pixels."""
    if not shared:
        return torch.ones(int(tile * scale), dtype=torch.float64)
    position = torch.arange(int(tile * scale), dtype=torch.float64) + 0.5
    x = ((position / float(scale) - shared * 3 / 8) / (shared / 4)).clamp(0, 1)
    return x * x * (3 - 2 * x)
