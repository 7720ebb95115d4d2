"""Rectangles of pixels on the grids of a sample: the pixels of each stage's picture on which an LR patch depends.

All grids of a sample share one corner: pixel k of a grid with pixels of `step` HR pixels has its centre at (k + 0.5) * step. A
picture has no border here: outside of the given image is its mirror image.
"""

from typing import NamedTuple

from torch import Tensor

from sr.functional.resize import pad_symmetric


class Region(NamedTuple):
    """Rows top .. bottom - 1 and columns left .. right - 1 of a grid; may start below 0."""

    top: int
    bottom: int
    left: int
    right: int

    def grown(self, by: int) -> "Region":
        """`by` more pixels on every side."""
        return Region(self.top - by, self.bottom + by, self.left - by, self.right + by)

    def times(self, factor: int) -> "Region":
        """The same area on a grid with pixels `factor` times as small."""
        return Region(*(side * factor for side in self))

    def in_blocks(self, side: int, top: int, left: int) -> "Region":
        """The smallest region of whole side x side blocks around this one; a block begins at row `top` and column `left`."""
        return Region(
            (self.top - top) // side * side + top,
            -((top - self.bottom) // side) * side + top,
            (self.left - left) // side * side + left,
            -((left - self.right) // side) * side + left,
        )

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left


def crop(image: Tensor, given: Region, wanted: Region) -> Tensor:
    """The pixels `wanted` of (..., H, W), which contains the pixels `given`; mirrored beyond them, with repeated edge
    pixels."""
    if wanted == given:
        return image
    for dim, begin, end, first, last in (
        (-2, given.top, given.bottom, wanted.top, wanted.bottom),
        (-1, given.left, given.right, wanted.left, wanted.right),
    ):
        low, high = min(max(first, begin), end - 1), max(min(last, end), begin + 1)
        image = image.narrow(dim, low - begin, high - low) if begin <= first and last <= end else image
        if not (begin <= first and last <= end):
            image = pad_symmetric(image, dim, max(begin - first, 0), max(last - end, 0))
            image = image.narrow(dim, max(first - begin, 0), last - first)
    return image
