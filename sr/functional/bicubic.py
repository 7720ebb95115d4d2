"""Bicubic enlargement a part at a time, in bounded memory: the pixels of `sr.functional.resize.imresize` of the whole image."""

from torch import Tensor

from sr.functional.resize import imresize

REACH = 3  # LR pixels to each side that a part needs: the kernel is 4 wide
BAND = 2**18  # HR pixels that are made at once


def enlarged(lr: Tensor, scale: int, levels: int | None = 255) -> Tensor:
    """`imresize(lr, scale, rounding=levels)` of (N, C, h, w) on the grid of its levels in [0, 1]: (N, C, s * h, s * w)."""
    height, width = (scale * side for side in lr.shape[-2:])
    if height * width <= BAND:
        return imresize(lr, scale, rounding=levels)
    whole = lr.new_empty(*lr.shape[:-2], height, width)
    rows = max(BAND // width, 1)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        whole[..., top:bottom, :] = part(lr, scale, slice(top, bottom), slice(0, width), levels)
    return whole


def enlarged_to(lr: Tensor, size: tuple[int, int], levels: int | None = 255) -> Tensor:
    """The same to a size (H, W), by MATLAB's imresize to that size where it is no whole multiple of LR's."""
    h, w = lr.shape[-2:]
    scale = size[0] // h
    return enlarged(lr, scale, levels) if size == (scale * h, scale * w) else imresize(lr, size=size, rounding=levels)


def part(lr: Tensor, scale: int, rows: slice, columns: slice, levels: int | None = 255) -> Tensor:
    """Those rows and columns of `enlarged(lr, scale, levels)`, without the others; starts and stops are given and inside."""
    low, inside = zip(*(_needed(side, scale, n) for side, n in zip((rows, columns), lr.shape[-2:], strict=True)), strict=True)
    made = imresize(lr[..., low[0], low[1]], scale, rounding=levels)
    return made[..., inside[0], inside[1]]


def _needed(side: slice, scale: int, length: int) -> tuple[slice, slice]:
    """LR pixels that a run of HR pixels is made of, and where it lies in what those make."""
    start, stop = max(side.start // scale - REACH, 0), min(-(-side.stop // scale) + REACH, length)
    return slice(start, stop), slice(side.start - start * scale, side.stop - start * scale)
