"""Standard normal noise on an endless plane: the number at a pixel is a pure function of (seed, row, column, band, turn).

A picture's noise is cut from the plane at the picture's place. So tiles that share pixels share their noise, and neither
batches nor strips change it.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from sr.functional.draws import Draws

BLOCK = 64  # pixels of a side: the noise of a block comes from one generator
_COLUMNS = 2**29  # more blocks than any picture has side by side
_STREAM = "noise field"


def places(size: tuple[int, int], start: Tensor) -> Tensor:
    """Row and column of each pixel of pictures that start at `start` (N, 2): (N, 2, H, W) int64."""
    rows, columns = (torch.arange(side) for side in size)
    grid = torch.stack([rows[:, None].expand(*size), columns.expand(*size)])
    return start[:, :, None, None] + grid


def noise_field(seed: int, place: Tensor, channels: int) -> Iterator[Tensor]:
    """Noise (N, channels, H, W) at places (N, 2, H, W) again and again, each time independent; float32 on the host.

    Pictures at one place have the same noise. Places need not be in order: those of a flipped picture give flipped noise.
    """
    first = place[:1]
    if len(place) > 1 and torch.equal(first.expand_as(place), place):
        yield from (noise.expand(len(place), -1, -1, -1) for noise in noise_field(seed, first, channels))
    cuts = [_Cut(seed, one, channels) for one in place.cpu()]
    while True:
        yield torch.stack([cut.next() for cut in cuts])


class _Cut:
    """The noise of one picture: that of the blocks that it touches, of which it takes its pixels."""

    def __init__(self, seed: int, place: Tensor, channels: int) -> None:
        self.channels = channels
        corner = place.amin((1, 2)) // BLOCK
        n_rows, n_columns = (place.amax((1, 2)) // BLOCK - corner + 1).tolist()
        self.rows, self.columns = (place - corner[:, None, None] * BLOCK).unbind(0)
        top, left = corner.tolist()
        self.draws = [Draws(seed, (top + row) * _COLUMNS + left, n_columns, _STREAM) for row in range(n_rows)]

    def next(self) -> Tensor:
        """(channels, H, W)."""
        bands = [torch.cat([self._block(key) for key in draws.seeds().tolist()], -1) for draws in self.draws]
        return torch.cat(bands, -2)[:, self.rows, self.columns]

    def _block(self, key: int) -> Tensor:
        generator = np.random.Generator(np.random.Philox(key=key))
        return torch.from_numpy(generator.standard_normal((self.channels, BLOCK, BLOCK), dtype=np.float32))
