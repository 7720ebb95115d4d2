"""Fills transparent pixels (alpha 0), and those without data, from the pixels around them, before a network sees them.

The colours stored under transparency are arbitrary, most often black; upscaling would mix them into the visible edge. The
fill is push-pull (Gortler, Grzeszczuk, Szeliski, Cohen: The Lumigraph, SIGGRAPH 1996, section 3.4): alpha-weighted averages
on ever coarser grids; then, from the coarsest grid down, pixels without a colour take that of the coarser grid.
"""

import numpy as np

STEP = 4  # block size of the finest stored grid; finer grids are recomputed for each requested part
ROWS = 256  # rows read at once; a multiple of STEP
HALO = 2  # blocks around a part: the reach of the interpolation


def bled(pixels: np.ndarray, alpha: np.ndarray | None) -> "np.ndarray | Bled":
    """An object indexable by [rows, columns]: the pixels themselves if all are visible, otherwise with hidden ones filled."""
    return pixels if alpha is None or alpha.min() > 0 else Bled(pixels, alpha)


class Bled:
    """Pixels (H, W, C) with hidden ones filled, part by part: `bled[rows, columns]` is an (h, w, C) array of their type.

    Visible pixels (alpha above 0) are unchanged. Needs C / 4 bytes per pixel in addition to the image, and three times that
    during construction.

    Args:
        pixels: (H, W, C) integers or floats: an array, or an object with `shape`, `dtype` and windows `pixels[rows, columns]`.
        alpha: (H, W) uint8 or uint16, not premultiplied; the same.
    """

    def __init__(self, pixels: np.ndarray, alpha: np.ndarray) -> None:
        self.pixels, self.alpha = pixels, alpha
        height, width = alpha.shape
        grid = np.empty((-(-height // STEP), -(-width // STEP), pixels.shape[2] + 1), np.float32)
        for top in range(0, height, ROWS):
            part = _weighted(pixels[top : top + ROWS], alpha[top : top + ROWS])
            grid[top // STEP : (top + ROWS) // STEP] = _half(_half(part))
        self.grid = _filled(grid)

    def __getitem__(self, where: tuple[slice, slice]) -> np.ndarray:
        visible = self.alpha[where] > 0
        if visible.all() or self.grid is None:
            return self.pixels[where]
        blocks, inside = zip(
            *(_blocks(part, length) for part, length in zip(where, self.alpha.shape, strict=True)), strict=True
        )
        around = tuple(slice(part.start * STEP, part.stop * STEP) for part in blocks)
        half = _half(_weighted(self.pixels[around], self.alpha[around]))
        fill = _double(_under(half, _double(self.grid[blocks], half.shape)), (2 * half.shape[0], 2 * half.shape[1]))
        fill = (np.rint(fill[inside]) if self.pixels.dtype.kind in "ui" else fill[inside]).astype(self.pixels.dtype)
        return np.where(visible[..., None], self.pixels[where], fill)


def _blocks(part: slice, length: int) -> tuple[slice, slice]:
    """The blocks of STEP pixels that contain a part of a side and its surroundings, and the part's position in them."""
    start, stop, _ = part.indices(length)
    first = max(start // STEP - HALO, 0)
    return slice(first, min(-(-stop // STEP) + HALO, -(-length // STEP))), slice(start - first * STEP, stop - first * STEP)


def _weighted(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """(h, w, C + 1) float32, sides rounded up to a multiple of STEP: colour times weight, and the weight, alpha in [0, 1]."""
    (height, width), bands = alpha.shape, pixels.shape[2]
    out = np.zeros((-(-height // STEP) * STEP, -(-width // STEP) * STEP, bands + 1), np.float32)
    np.divide(alpha, np.iinfo(alpha.dtype).max, out=out[:height, :width, bands], dtype=np.float32)
    np.multiply(pixels, out[:height, :width, bands:], out=out[:height, :width, :bands])
    return out


def _half(grid: np.ndarray) -> np.ndarray:
    """The next coarser grid: sums over 2 x 2, with weights clipped to 1."""
    grid = np.pad(grid, ((0, grid.shape[0] % 2), (0, grid.shape[1] % 2), (0, 0)))
    sums = grid[::2, ::2] + grid[1::2, ::2] + grid[::2, 1::2] + grid[1::2, 1::2]
    return sums / np.maximum(sums[..., -1:], 1)


def _filled(grid: np.ndarray) -> np.ndarray | None:
    """(h, w, C): the colours of a grid, completed from coarser grids where the weight is below 1; None if all weights are
    0."""
    if len(grid) == grid.shape[1] == 1:
        return grid[..., :-1] / grid[..., -1:] if grid[0, 0, -1] > 0 else None
    coarse = _filled(_half(grid))
    return None if coarse is None else _under(grid, _double(coarse, grid.shape))


def _under(grid: np.ndarray, fill: np.ndarray) -> np.ndarray:
    """Colours (h, w, C), blended with `fill` where the weight is below 1."""
    return grid[..., :-1] + fill * (1 - grid[..., -1:])


def _double(grid: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Twice as many rows and columns by linear interpolation, cropped to `shape`."""
    for axis in (0, 1):
        last = np.arange(grid.shape[axis])
        before, after = grid.take(np.maximum(last - 1, 0), axis), grid.take(np.minimum(last + 1, last[-1]), axis)
        pairs = np.stack([0.75 * grid + 0.25 * before, 0.75 * grid + 0.25 * after], axis + 1)
        grid = pairs.reshape(*grid.shape[:axis], -1, *grid.shape[axis + 1 :])
    return grid[: shape[0], : shape[1]]
