"""Evaluation images enlarged whole, and in tiles where the memory is too short for that."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sr.errors import ShortMemoryError, UserError
from sr.infer.reach import reach
from sr.infer.upscaler import Upscaler, out_of_memory
from sr.network.inputs import SIZE
from sr.say import warn

OVERLAP = 16  # LR pixels that tiles share at least


class Enlarger:
    """(N, C, H, W) in [0, 1] to (N, C, sH, sW) float32, as `sr.infer.upscaler.upscale` does it.

    An image that the memory does not hold as a whole is enlarged in tiles of half its longer side, of half of that, and so on.
    The network's reach is measured then: tiles that overlap by enough of it give the whole image's result. Where the reach has
    no end (global pooling, attention), or such tiles do not fit either, tiles give an approximation. A warning says which it
    is. Images as large as one that did not fit are not tried as a whole again.
    """

    def __init__(self) -> None:
        self._too_large = math.inf  # LR pixels
        self._tile = 0
        self._overlaps: list[int] = []  # those that are tried, the largest first
        self._exact = 0  # overlap from which on tiles give the whole image's result; -1: none does
        self._said: set[tuple[int, bool]] = set()

    def __call__(self, network: nn.Module, lr: Tensor, name: str, others: Mapping[str, Any] | None = None) -> Tensor:
        """`name` is the image's, for what is said; `others` what the network takes besides LR, HR's size among it.

        Raises:
            ShortMemoryError: not even small tiles fit.
        """
        (height, width), size = lr.shape[-2:], (others or {}).get(SIZE)
        others = {key: value for key, value in (others or {}).items() if key != SIZE}
        if height * width < self._too_large:
            if (sr := _tried(Upscaler(network, further=others), lr, size)) is not None:
                return sr
            self._too_large, self._tile = height * width, max(height, width) // 2
            distance = reach(network, others)
            self._exact = -1 if distance is None else -(-8 * distance // 3)  # 3/8 of what tiles share are discarded
            self._overlaps = sorted({OVERLAP, 4 * OVERLAP if distance is None else max(self._exact, OVERLAP)}, reverse=True)
        while self._overlaps:
            overlap = self._overlaps[0]
            tiles = Upscaler(network, tile=max(self._tile, overlap + 1), overlap=overlap, halve=True, further=others)
            if (sr := _tried(tiles, lr, size)) is not None:
                self._tile = tiles.tile
                self._say(f"{name}: the memory is too short for {width}x{height} LR pixels at once", overlap)
                return sr
            self._overlaps.pop(0)
        raise ShortMemoryError(
            f"{name}: the memory is too short for {width}x{height} LR pixels, even in small tiles; leave it out"
        )

    def _say(self, what: str, overlap: int) -> None:
        exact = 0 <= self._exact <= overlap
        how = "which give the whole image's result" if exact else "whose result is near to the whole image's, not equal to it"
        if (self._tile, exact) not in self._said:
            warn(f"{what}: it is enlarged in tiles of at most {self._tile} pixels, {how}")
        self._said.add((self._tile, exact))


def _tried(upscaler: Upscaler, lr: Tensor, size: tuple[int, int] | None) -> Tensor | None:
    """The SR image, or None where the memory is too short."""
    try:
        return upscaler(lr, size)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
    if torch.cuda.is_available():  # not inside `except`: there, the traceback keeps the tensors of the failed attempt
        torch.cuda.empty_cache()
    return None


@contextmanager
def memory_for(name: str) -> Iterator[None]:
    """One line that names the image where its scores or pictures do not fit into the memory.

    Raises:
        ShortMemoryError: in place of an allocator's error.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, UserError) or not out_of_memory(error):
            raise
        raise ShortMemoryError(
            f"{name}: the memory is too short to measure it; leave it out, or metrics that take all of it at once (lpips)"
        ) from error
