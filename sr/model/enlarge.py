"""Upscales evaluation images, whole or, if memory is too short, in tiles."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sr.errors import ShortMemoryError, UserError
from sr.functional.axes import is_volume
from sr.functional.frames import is_burst, is_clip
from sr.infer.memory import out_of_memory
from sr.infer.reach import reach
from sr.infer.upscaler import Upscaler
from sr.infer.volume import VolumeUpscaler
from sr.network.inputs import SIZE, check_least, fits
from sr.say import warn

OVERLAP = 16  # minimum number of LR pixels that tiles share


class Enlarger:
    """(N, C, H, W) in [0, 1] to (N, C, sH, sW) float32, as `sr.infer.upscaler.upscale` does it.

    If an image does not fit into memory as a whole, it is upscaled in tiles of half its longer side, of half of that, and so
    on. Then the network's receptive field is measured: tiles that overlap enough give the whole image's result. If the
    receptive field is unlimited (global pooling, attention), or such tiles do not fit, the result is approximate. A warning
    says which. Images at least as large as one that did not fit are not tried as a whole again.

    Clips (N, T, C, H, W) go through a network of pictures frame by frame, and through one of clips as a whole.

    Volumes (N, C, D, H, W) are always upscaled in windows (`sr.infer.volume`): as a whole they would rarely fit.
    """

    def __init__(self) -> None:
        self._too_large = math.inf  # LR pixels
        self._tile = 0
        self._overlaps: list[int] = []  # to be tried, largest first
        self._exact = 0  # the overlap from which tiles equal the whole image; -1: none does
        self._said: set[tuple[int, bool]] = set()

    def __call__(
        self, network: nn.Module, lr: Tensor, name: str, others: Mapping[str, Any] | None = None, flip_seq: bool = False
    ) -> Tensor:
        """`name` is the image's, for messages; `others` are the network's inputs besides LR, including HR's size.

        Args:
            flip_seq: a recurrent network gets each clip and then the same backwards, and the two results of a frame are
                averaged (`flip_seq` of BasicSR, MirrorSequence of mmagic).

        Raises:
            ShortMemoryError: even small tiles do not fit.
        """
        if flip_seq and is_clip(network) and network.reach_t is None:
            there, back = self(network, torch.cat([lr, lr.flip(1)], 1), name, others).chunk(2, 1)
            return (there + back.flip(1)) / 2
        if is_volume(network):
            return VolumeUpscaler(network, halve=True)(lr)
        if lr.ndim == 5 and not is_clip(network) and not is_burst(network):
            return torch.stack([self(network, frame, name, others) for frame in lr.unbind(1)], 1)
        (height, width), size = lr.shape[-2:], (others or {}).get(SIZE)
        others = {key: value for key, value in (others or {}).items() if key != SIZE}
        check_least(network, height, width, name)
        if height * width < self._too_large:
            if (sr := _tried(Upscaler(network, further=others), lr, size)) is not None:
                return sr
            self._too_large, self._tile = height * width, max(height, width) // 2
            untried = is_clip(network) or is_burst(network) or fits(network)
            distance = None if untried else reach(network, others)
            self._exact = -1 if distance is None else -(-8 * distance // 3)  # 3/8 of the overlap is discarded
            self._overlaps = sorted({OVERLAP, 4 * OVERLAP if distance is None else max(self._exact, OVERLAP)}, reverse=True)
        while self._overlaps:
            overlap = self._overlaps[0]
            tiles = Upscaler(network, tile=max(self._tile, overlap + 1), overlap=overlap, halve=True, further=others)
            if (sr := _tried(tiles, lr, size)) is not None:
                self._tile = tiles.tile
                self._say(f"{name}: not enough memory for {width}x{height} LR pixels at once", overlap)
                return sr
            self._overlaps.pop(0)
        raise ShortMemoryError(
            f"{name}: not enough memory for {width}x{height} LR pixels, even in small tiles; remove this image"
        )

    def _say(self, what: str, overlap: int) -> None:
        exact = 0 <= self._exact <= overlap
        how = "which equals the result of the whole image" if exact else "which approximates the result of the whole image"
        if (self._tile, exact) not in self._said:
            warn(f"{what}: it is upscaled in tiles of at most {self._tile} pixels, {how}")
        self._said.add((self._tile, exact))


def _tried(upscaler: Upscaler, lr: Tensor, size: tuple[int, int] | None) -> Tensor | None:
    """The SR image, or None if memory is too short."""
    try:
        return upscaler(lr, size)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
    if torch.cuda.is_available():  # not inside `except`: there the traceback keeps the failed attempt's tensors
        torch.cuda.empty_cache()
    return None


@contextmanager
def memory_for(name: str) -> Iterator[None]:
    """Context that raises one line naming the image if its scores or pictures do not fit into memory.

    Raises:
        ShortMemoryError: instead of an allocator's error.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, UserError) or not out_of_memory(error):
            raise
        raise ShortMemoryError(
            f"{name}: not enough memory to measure it; remove this image, or metrics that need the whole image at once (lpips)"
        ) from error
