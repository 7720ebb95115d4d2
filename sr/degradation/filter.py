"""Filtering and resizing of one sample's picture, as one matrix product along columns and one along rows."""

import numpy as np
from torch import Tensor

from sr.degradation.region import Region
from sr.degradation.stage import Operation
from sr.errors import InputError
from sr.functional import band
from sr.functional.band import Band, Mode

Pairs = list[tuple[np.ndarray, np.ndarray]]
_POINT: Pairs = [(np.ones(1), np.ones(1))]


class Linear(Operation):
    """A filter, given as pairs of kernels (down, along) whose outer products sum to it, followed by a resize, or one of both.

    Args:
        step: HR pixels per pixel of the result.
        pairs: see `sr.functional.kernels.separated`.
        mode, ratio: of the resize, see `sr.functional.band.resized`; None: no resize.
    """

    def __init__(self, step: float, pairs: Pairs = _POINT, mode: Mode | None = None, ratio: float = 1.0) -> None:
        super().__init__(step)
        self.pairs, self.mode, self.ratio = pairs, mode, ratio

    def needs(self, wanted: Region) -> Region:
        rows, columns = self._bands(wanted)
        return Region(rows[0].begin, rows[0].end, columns[0].begin, columns[0].end)

    def constants(self, given: Region, wanted: Region) -> list[np.ndarray]:
        rows, columns = self._bands(wanted)
        self._spans = band.blocks(rows[0], given.top), band.blocks(columns[0], given.left)
        down = [one.dense(given.top, given.bottom) for one in rows]
        return down + [one.dense(given.left, given.right) for one in columns]

    def apply(self, image: Tensor, given: Region, wanted: Region, constants: list[Tensor]) -> Tensor:
        half = len(constants) // 2
        made = band.apply(image.flatten(0, 1).contiguous(), constants[:half], constants[half:], self._spans)
        return made.unflatten(0, image.shape[:2])

    def followed_by(self, other: Operation) -> Operation | None:
        joins = isinstance(other, Linear) and self.mode is None and other.pairs is _POINT
        return Linear(other.step, self.pairs, other.mode, other.ratio) if joins else None

    def _bands(self, wanted: Region) -> tuple[list[Band], list[Band]]:
        return tuple(
            [self._axis(begin, end).after(pair[axis]) for pair in self.pairs]
            for axis, (begin, end) in enumerate(((wanted.top, wanted.bottom), (wanted.left, wanted.right)))
        )

    def _axis(self, begin: int, end: int) -> Band:
        return band.resized(self.mode, self.ratio, begin, end) if self.mode else band.identity(begin, end)


def odd_sizes(name: str, sizes: object) -> tuple[int, int]:
    """A range [smallest, largest] of odd kernel sizes. InputError if invalid."""
    if not isinstance(sizes, list | tuple) or len(sizes) != 2 or not all(isinstance(size, int) and size > 0 for size in sizes):
        raise InputError(f"{name} must be [smallest, largest] side of the kernel in pixels, both odd, got {sizes}")
    if not (sizes[0] % 2 and sizes[1] % 2 and sizes[0] <= sizes[1]):
        raise InputError(f"{name} must be odd with the smallest first, got {list(sizes)}")
    return sizes[0], sizes[1]
