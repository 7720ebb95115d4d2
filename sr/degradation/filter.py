"""Filtering and resizing of one sample's picture, as one matrix product along columns and one along rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from sr.degradation.region import Region
from sr.degradation.stage import Operation
from sr.errors import InputError
from sr.functional import band, kernels
from sr.functional.band import Band

LARGEST = 99  # side of a kernel in pixels


class Linear(Operation):
    """A filter, and then a resize, or one of both.

    Args:
        step: HR pixels of a pixel of the result.
        kernel: (k, k), correlated with the picture; None: none.
        axis: (first output pixel, last + 1) -> the resize's band, see `sr.functional.band`; None: it is not resized.
    """

    def __init__(self, step: float, kernel: np.ndarray | None = None, axis: Callable[[int, int], Band] | None = None) -> None:
        super().__init__(step)
        self.kernel, self.axis = None if kernel is None else kernels.trimmed(kernel), axis or band.identity
        self.kernel_size = 1 if kernel is None else len(self.kernel)
        self._spans: tuple[Any, Any] = (), ()

    def needs(self, wanted: Region) -> Region:
        reach = 0 if self.kernel is None else len(self.kernel) // 2
        ends = []
        for begin, end in ((wanted.top, wanted.bottom), (wanted.left, wanted.right)):
            first, last = self.axis(begin, begin + 1), self.axis(end - 1, end)
            ends += [first.begin - reach, last.end + reach]
        return Region(*ends)

    def constants(self, given: Region, wanted: Region, block: int | None) -> list[np.ndarray]:
        rows, columns = self.axis(wanted.top, wanted.bottom), self.axis(wanted.left, wanted.right)
        if self.kernel is not None:
            down, along = kernels.separated(self.kernel)
            rows, columns = rows.after(down), columns.after(along)
        (down, row_spans), (along, column_spans) = rows.matrices(given.top, block), columns.matrices(given.left, block)
        self._spans = row_spans, column_spans
        return [down, along]

    def apply(self, image: Tensor, given: Region, wanted: Region, constants: list[Tensor]) -> Tensor:
        (down, along), (row_spans, column_spans) = constants, self._spans
        made = band.apply(image.flatten(0, 1), (down, row_spans), (along, column_spans))
        return made.unflatten(0, image.shape[:2])

    def followed_by(self, other: Operation) -> Operation | None:
        joins = isinstance(other, Linear) and self.axis is band.identity and other.kernel is None
        return Linear(other.step, self.kernel, other.axis) if joins else None


def odd_sizes(name: str, sizes: object) -> tuple[int, int]:
    """A range [smallest, largest] of odd kernel sizes. InputError if invalid."""
    if not isinstance(sizes, list | tuple) or len(sizes) != 2 or not all(isinstance(size, int) and size > 0 for size in sizes):
        raise InputError(f"{name} must be [smallest, largest] side of the kernel in pixels, both odd, got {sizes}")
    if not (sizes[0] % 2 and sizes[1] % 2 and sizes[0] <= sizes[1]):
        raise InputError(f"{name} must be odd with the smallest first, got {list(sizes)}")
    if sizes[1] > LARGEST:
        raise InputError(f"{name}={list(sizes)}: kernels have at most {LARGEST}x{LARGEST} pixels")
    return sizes[0], sizes[1]
