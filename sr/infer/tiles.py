"""How an image is covered by tiles: where they lie, how they are blended, how the rest of an odd size is filled."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sr.errors import InputError


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
    """Tile and overlap rounded up to a multiple; ValueError where that leaves nothing of a tile but overlap."""
    rounded = -(-tile // multiple) * multiple, -(-overlap // multiple) * multiple
    if not 0 <= rounded[1] < rounded[0]:
        raise InputError(f"overlap={overlap} does not fit tile={tile}: it must be 0 or more, and smaller")
    return rounded


def windows(length: int, tile: int | None, overlap: int, multiple: int, scale: int) -> list[Window]:
    """Tiles that cover `length` LR pixels; length, tile and overlap are multiples of `multiple`.

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
    ones = torch.ones(tile * scale, dtype=torch.float64)
    weights = [
        (rises[i - 1] if i else ones) * (rises[i].flip(0) if i < count - 1 else ones) for i in range(count)
    ]  # two that share the same pixels rise and fall alike, but for three at one place the sum is not 1 yet
    total = torch.zeros(length * scale, dtype=torch.float64)
    for start, weight in zip(starts, weights, strict=True):
        total[start * scale : (start + tile) * scale] += weight
    return [
        Window(start, start + tile, following, (weight / total[start * scale : (start + tile) * scale]).float())
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


def _rise(tile: int, shared: int, scale: int) -> Tensor:
    """From 0 to 1 over the middle quarter of `shared` LR pixels."""
    if not shared:
        return torch.ones(tile * scale, dtype=torch.float64)
    position = torch.arange(tile * scale, dtype=torch.float64) + 0.5
    x = ((position / scale - shared * 3 / 8) / (shared / 4)).clamp(0, 1)
    return x * x * (3 - 2 * x)
