"""How an image is covered by tiles: where they lie, how they are blended, how the rest of an odd size is filled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from sr.errors import InputError

FINEST = (
    100  # largest denominator of a scale: tiles begin at its multiples, where pixels of LR and of the result begin together
)


def scaled(length: int, factor: Fraction) -> int:
    """Pixels of the result for a side of LR; at least one."""
    return max(round(length * factor), 1)


@dataclass(frozen=True)
class Window:
    """A tile along one side of an image.

    Args:
        start, stop: its LR pixels.
        done: LR pixel up to which the result is complete once this tile is added: where the next one starts.
        weight: ((stop - start) * scale,) of its SR pixels; those of all tiles sum to 1 everywhere. None: all are 1.
    """

    start: int
    stop: int
    done: int
    weight: Tensor | None


def tiling(tile: int, overlap: int, multiple: int) -> tuple[int, int]:
    """Tile and overlap rounded up to a multiple, the tile to a larger one; ValueError where it is not larger before."""
    if not 0 <= overlap < tile:
        raise InputError(f"overlap={overlap} does not fit tile={tile}: it must be 0 or more, and smaller")
    overlap = -(-overlap // multiple) * multiple
    return max(-(-tile // multiple) * multiple, overlap + multiple), overlap


@dataclass(frozen=True)
class Grid:
    """How one side of an image is enlarged, whole or in tiles: SR pixel i lies at (i + 0.5) / factor - 0.5 in either case.

    Args:
        factor: SR pixels for an LR pixel.
        multiple: tiles start and end at multiples of it, and the side is padded to one: of the network's, and of `factor`'s
            denominator, so that each tile has a whole number of SR pixels, which lie where they lie in the whole image.
        result: SR pixels.
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
        """Of `length` LR pixels, enlarged by a factor."""
        return cls._of(length, factor, scaled(length, factor), multiple, tile, overlap)

    @classmethod
    def to(cls, length: int, result: int, multiple: int, tile: int | None, overlap: int) -> Grid:
        """Of `length` LR pixels, enlarged to `result`.

        Tiles need a factor of small numbers. Where there is none, theirs is the nearest: an approximation.
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
        """Where an LR pixel that is a multiple begins in the result."""
        return int(pixel * self.factor)

    def tile(self, tile: int, overlap: int) -> int:
        """The side of a tile on this grid."""
        return tiling(tile, overlap, self.multiple)[0]


def windows(length: int, tile: int | None, overlap: int, multiple: int, scale: Fraction) -> list[Window]:
    """Tiles that cover `length` LR pixels; length, tile and overlap are multiples of `multiple`, `scale` times which is whole.

    Tiles are as small as their number allows, share at least `overlap`, and start at multiples of `multiple`, so that
    windows of attention lie where they lie in the whole image. Of what two share, the outer 3/8 on each side are
    discarded and the middle quarter is blended: a network that sees no further than those 3/8 gives the whole's result.
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
    ]  # two that share the same pixels rise and fall alike, but for three at one place the sum is not 1 yet
    total = torch.zeros(int(length * scale), dtype=torch.float64)
    for start, weight in zip(starts, weights, strict=True):
        total[int(start * scale) : int((start + tile) * scale)] += weight
    return [
        Window(start, start + tile, following, (weight / total[int(start * scale) : int((start + tile) * scale)]).float())
        for start, following, weight in zip(starts, [*starts[1:], length], weights, strict=True)
    ]


def mirrored(length: int, multiple: int) -> Tensor:
    """Pixels of a side, mirrored at its end up to the next multiple; the last one repeated where it is too short."""
    index = torch.arange(length + -length % multiple)
    missing = len(index) - length
    return torch.where(index < length, index, 2 * (length - 1) - index) if missing < length else index.clamp(max=length - 1)


def pad_to_multiple(image: Tensor, multiple: int) -> Tensor:
    """Mirror (N, C, H, W) at the bottom and the right until H and W are multiples; too small a side is repeated."""
    for dim in (-2, -1):
        if image.shape[dim] % multiple:
            image = image.index_select(dim, mirrored(image.shape[dim], multiple).to(image.device))
    return image


def _rise(tile: int, shared: int, scale: Fraction) -> Tensor:
    """From 0 to 1 over the middle quarter of `shared` LR pixels."""
    if not shared:
        return torch.ones(int(tile * scale), dtype=torch.float64)
    position = torch.arange(int(tile * scale), dtype=torch.float64) + 0.5
    x = ((position / float(scale) - shared * 3 / 8) / (shared / 4)).clamp(0, 1)
    return x * x * (3 - 2 * x)
