"""Bicubic upscaling in parts, with bounded memory: equal to `sr.functional.resize.imresize` of the whole image."""

from torch import Tensor

from sr.functional.resize import imresize

REACH = 3  # LR pixels on each side that a part needs: the kernel is 4 wide
BAND = 2**18  # HR pixels computed at once


def enlarged(lr: Tensor, scale: int, levels: int | None = 255) -> Tensor:
    """`imresize(lr, scale, rounding=levels)` of quantised (N, C, h, w) in [0, 1]: (N, C, s * h, s * w)."""
    height, width = (scale * side for side in lr.shape[-2:])
    if height * width <= BAND:
        return imresize(lr, scale, rounding=levels)
    whole = lr.new_empty(*lr.shape[:-2], height, width)
    rows = max(BAND // width, 1)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        whole[..., top:bottom, :] = part(lr, scale, slice(top, bottom), slice(0, width), levels)
    return whole


class Bicubic:
    """LR (N, C, h, w), quantised in [0, 1], upscaled to `size` (H, W), whole or in parts.

    If the size is not a whole multiple of LR's, MATLAB's imresize computes the whole image at once.
    """

    def __init__(self, lr: Tensor, size: tuple[int, int], levels: int | None = 255) -> None:
        (h, w), self.size = lr.shape[-2:], tuple(size)
        self.lr, self.levels = lr, levels
        self.scale = size[0] // h if self.size == (size[0] // h * h, size[0] // h * w) else None
        self.made = None if self.scale else imresize(lr, size=self.size, rounding=levels)

    def whole(self) -> Tensor:
        """(N, C, H, W)."""
        return enlarged(self.lr, self.scale, self.levels) if self.scale else self.made

    def part(self, rows: slice, columns: slice) -> Tensor:
        """These rows and columns of the whole; the slices have starts and stops inside it."""
        return part(self.lr, self.scale, rows, columns, self.levels) if self.scale else self.made[..., rows, columns]


def part(lr: Tensor, scale: int, rows: slice, columns: slice, levels: int | None = 255) -> Tensor:
    """These rows and columns of `enlarged(lr, scale, levels)`, without the others; the slices have starts and stops inside
    it."""
    low, inside = zip(*(_needed(side, scale, n) for side, n in zip((rows, columns), lr.shape[-2:], strict=True)), strict=True)
    made = imresize(lr[..., low[0], low[1]], scale, rounding=levels)
    return made[..., inside[0], inside[1]]


def _needed(side: slice, scale: int, length: int) -> tuple[slice, slice]:
    """The LR pixels needed for a range of HR pixels, and the position of that range in their result."""
    start, stop = max(side.start // scale - REACH, 0), min(-(-side.stop // scale) + REACH, length)
    return slice(start, stop), slice(side.start - start * scale, side.stop - start * scale)
