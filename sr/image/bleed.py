"""Colour under transparency: pixels with alpha 0 take the colour of the visible ones around them before a network sees them.

What a file keeps under transparency is arbitrary, most often black, and an enlargement would mix it into the visible edge.
The fill is push-pull (Gortler, Grzeszczuk, Szeliski, Cohen: The Lumigraph, SIGGRAPH 1996, section 3.4): averages weighted by
alpha on ever coarser grids, then from the coarsest down what has no colour of its own takes that of the grid above.
"""

import numpy as np

STEP = 4  # pixels of the finest grid that is kept: the finer ones are made again for each part that is asked for
ROWS = 256  # read at once; a multiple of STEP
HALO = 2  # blocks around a part: as far as the interpolation below a block reaches


def bled(pixels: np.ndarray, alpha: np.ndarray | None) -> "np.ndarray | Bled":
    """Pixels that can be indexed by [rows, columns]: as they are where all are visible, else with the hidden ones filled."""
    return pixels if alpha is None or alpha.min() > 0 else Bled(pixels, alpha)


class Bled:
    """Pixels (H, W, 3) whose hidden ones are filled, part by part: `bled[rows, columns]` is an (h, w, 3) array of their type.

    Visible pixels (alpha above 0) are those of `pixels`, bit for bit. Beside the image 0.75 bytes a pixel are held, and three
    times that while this is made.

    Args:
        pixels: (H, W, 3) uint8 or uint16.
        alpha: (H, W) of the same type, not premultiplied.
    """

    def __init__(self, pixels: np.ndarray, alpha: np.ndarray) -> None:
        self.pixels, self.alpha = pixels, alpha
        height, width = alpha.shape
        grid = np.empty((-(-height // STEP), -(-width // STEP), 4), np.float32)
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
        fill = np.rint(fill[inside]).astype(self.pixels.dtype)
        return np.where(visible[..., None], self.pixels[where], fill)


def _blocks(part: slice, length: int) -> tuple[slice, slice]:
    """Blocks of STEP pixels that hold a part of a side and what is around it, and where the part lies in them."""
    start, stop, _ = part.indices(length)
    first = max(start // STEP - HALO, 0)
    return slice(first, min(-(-stop // STEP) + HALO, -(-length // STEP))), slice(start - first * STEP, stop - first * STEP)


def _weighted(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """(h, w, 4) float32, sides rounded up to a multiple of STEP: colour times weight, and the weight, alpha in [0, 1]."""
    height, width = alpha.shape
    out = np.zeros((-(-height // STEP) * STEP, -(-width // STEP) * STEP, 4), np.float32)
    np.divide(alpha, np.iinfo(alpha.dtype).max, out=out[:height, :width, 3], dtype=np.float32)
    np.multiply(pixels, out[:height, :width, 3:], out=out[:height, :width, :3])
    return out


def _half(grid: np.ndarray) -> np.ndarray:
    """The next coarser grid: sums of 2 x 2, of which the weight ends at 1."""
    grid = np.pad(grid, ((0, grid.shape[0] % 2), (0, grid.shape[1] % 2), (0, 0)))
    sums = grid[::2, ::2] + grid[1::2, ::2] + grid[::2, 1::2] + grid[1::2, 1::2]
    return sums / np.maximum(sums[..., 3:], 1)


def _filled(grid: np.ndarray) -> np.ndarray | None:
    """(h, w, 3): the colours of a grid, those with a weight below 1 from coarser grids; None where nothing has a weight."""
    if len(grid) == grid.shape[1] == 1:
        return grid[..., :3] / grid[..., 3:] if grid[0, 0, 3] > 0 else None
    coarse = _filled(_half(grid))
    return None if coarse is None else _under(grid, _double(coarse, grid.shape))


def _under(grid: np.ndarray, fill: np.ndarray) -> np.ndarray:
    """Colours (h, w, 3) with `fill` under what their weight leaves open."""
    return grid[..., :3] + fill * (1 - grid[..., 3:])


def _double(grid: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Twice as many rows and columns by linear interpolation, cut to `shape`."""
    for axis in (0, 1):
        last = np.arange(grid.shape[axis])
        before, after = grid.take(np.maximum(last - 1, 0), axis), grid.take(np.minimum(last + 1, last[-1]), axis)
        pairs = np.stack([0.75 * grid + 0.25 * before, 0.75 * grid + 0.25 * after], axis + 1)
        grid = pairs.reshape(*grid.shape[:axis], -1, *grid.shape[axis + 1 :])
    return grid[: shape[0], : shape[1]]
