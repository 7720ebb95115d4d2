"""Fills transparent pixels (alpha 0), and those without data, from the pixels around them, before a network sees them.

The colours stored under transparency are arbitrary, most often black; upscaling would mix them into the visible edge. The
fill is push-pull (Gortler, Grzeszczuk, Szeliski, Cohen: The Lumigraph, SIGGRAPH 1996, section 3.4): alpha-weighted averages
on ever coarser grids; then, from the coarsest grid down, pixels without a colour take that of the coarser grid.
"""

import numpy as np

STEP = 4  # block size of the finest stored grid; finer grids are recomputed for each requested part
ROWS = 128  # rows read at once; a multiple of STEP
PART = 192  # side of a part that is filled at once
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
        grid = np.empty((pixels.shape[2] + 1, -(-height // STEP), -(-width // STEP)), np.float32)
        for top in range(0, height, ROWS):
            part = _weighted(pixels[top : top + ROWS], alpha[top : top + ROWS])
            grid[:, top // STEP : (top + ROWS) // STEP] = _half(_half(part))
        self.grid = _filled(grid)

    def __getitem__(self, where: tuple[slice, slice]) -> np.ndarray:
        (top, bottom, _), (left, right, _) = (part.indices(side) for part, side in zip(where, self.alpha.shape, strict=True))
        alpha = self.alpha[top:bottom, left:right]
        if self.grid is None or alpha.min() > 0:
            return self.pixels[top:bottom, left:right]
        # The window with what lies around it is read once; the fill is computed in parts that fit into the caches.
        (rows, y), (columns, x) = (_around(*ends) for ends in ((top, bottom), (left, right)))
        pixels, alpha = self.pixels[rows, columns], self.alpha[rows, columns]
        out = pixels[y, x].copy()
        for first in range(top, bottom, PART):
            for begin in range(left, right, PART):
                last, end = min(first + PART, bottom), min(begin + PART, right)
                hidden = alpha[first - rows.start : last - rows.start, begin - columns.start : end - columns.start] == 0
                if hidden.any():
                    fill = self._fill(pixels, alpha, (first, last, rows.start), (begin, end, columns.start))
                    np.copyto(out[first - top : last - top, begin - left : end - left], fill, where=hidden[..., None])
        return out

    def _fill(self, pixels: np.ndarray, alpha: np.ndarray, y: tuple[int, int, int], x: tuple[int, int, int]) -> np.ndarray:
        """The filled colours of rows and columns (start, stop, first of `pixels` and `alpha`) of the image."""
        around, inside, blocks = [], [], []
        for (start, stop, first), length in zip((y, x), self.alpha.shape, strict=True):
            outer, inner = _around(start, stop)
            around.append(slice(outer.start - first, min(outer.stop, length) - first))
            inside.append(inner)
            blocks.append(slice(outer.start // STEP, -(-min(outer.stop, length) // STEP)))
        around, inside, blocks = map(tuple, (around, inside, blocks))
        half = _half(_weighted(pixels[around], alpha[around]))
        under = _under(half, _double(self.grid[:, *blocks], half.shape[1:]))
        fill = _double(under, (2 * half.shape[1], 2 * half.shape[2]))[:, *inside]
        return np.moveaxis(np.rint(fill) if pixels.dtype.kind in "ui" else fill, 0, -1).astype(pixels.dtype)


def _around(start: int, stop: int) -> tuple[slice, slice]:
    """The blocks of STEP pixels that contain a part of a side and its surroundings, in pixels, and the part in them."""
    first = max(start // STEP - HALO, 0) * STEP
    return slice(first, (-(-stop // STEP) + HALO) * STEP), slice(start - first, stop - first)


def _weighted(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """(C + 1, h, w) float32, sides rounded up to a multiple of STEP: colour times weight, and the weight, alpha in [0, 1].

    Bands come first, unlike in images: so all loops are over neighbours in memory.
    """
    (height, width), bands = alpha.shape, pixels.shape[2]
    out = np.zeros((bands + 1, -(-height // STEP) * STEP, -(-width // STEP) * STEP), np.float32)
    inner = out[:, :height, :width]
    np.divide(alpha, np.iinfo(alpha.dtype).max, out=inner[-1], dtype=np.float32)
    np.multiply(np.moveaxis(pixels, -1, 0), inner[-1], out=inner[:-1])
    return out


def _half(grid: np.ndarray) -> np.ndarray:
    """The next coarser grid: sums over 2 x 2, with weights clipped to 1."""
    if grid.shape[1] % 2 or grid.shape[2] % 2:
        grid = np.pad(grid, ((0, 0), (0, grid.shape[1] % 2), (0, grid.shape[2] % 2)))
    rows = grid[:, ::2] + grid[:, 1::2]
    sums = rows[..., ::2] + rows[..., 1::2]
    sums /= np.maximum(sums[-1], 1)
    return sums


def _filled(grid: np.ndarray) -> np.ndarray | None:
    """(C, h, w): the colours of a grid, completed from coarser grids where the weight is below 1; None if all weights are
    0."""
    if grid.shape[1] == grid.shape[2] == 1:
        return grid[:-1] / grid[-1] if grid[-1, 0, 0] > 0 else None
    coarse = _filled(_half(grid))
    return None if coarse is None else _under(grid, _double(coarse, grid.shape[1:]))


def _under(grid: np.ndarray, fill: np.ndarray) -> np.ndarray:
    """Colours (C, h, w), blended with `fill` where the weight is below 1."""
    return grid[:-1] + fill * (1 - grid[-1])


def _double(grid: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Twice as many rows and columns by linear interpolation, cropped to `shape`: each pair is 3/4 of a pixel and 1/4 of the
    one before or after it."""
    near, far = 0.75 * grid, 0.25 * grid
    tall = np.empty((len(grid), grid.shape[1], 2, grid.shape[2]), np.float32)
    np.add(near[:, 1:], far[:, :-1], out=tall[:, 1:, 0])
    np.add(near[:, :-1], far[:, 1:], out=tall[:, :-1, 1])
    tall[:, 0, 0], tall[:, -1, 1] = grid[:, 0], grid[:, -1]
    tall = tall.reshape(len(grid), -1, grid.shape[2])[:, : shape[0]]
    near, far = 0.75 * tall, 0.25 * tall
    wide = np.empty((*tall.shape, 2), np.float32)
    np.add(near[..., 1:], far[..., :-1], out=wide[..., 1:, 0])
    np.add(near[..., :-1], far[..., 1:], out=wide[..., :-1, 1])
    wide[..., 0, 0], wide[..., -1, 1] = tall[..., 0], tall[..., -1]
    return wide.reshape(*tall.shape[:2], -1)[..., : shape[1]]
