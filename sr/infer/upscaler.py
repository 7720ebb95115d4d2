"""From an LR image of any size to its SR image: pad -> tile -> network -> blend -> crop; self-ensemble; half precision.

The only place that pads. Neither the image nor its result lies whole on the network's device: a few tiles at a time do.
"""

from collections.abc import Callable, Iterator
from itertools import product

import torch
from torch import Tensor, nn

from sr.device.float32 import float32
from sr.errors import InputError
from sr.functional.pixels import check_pixels
from sr.infer.tiles import Window, mirrored, tiling, windows

PRECISIONS = {"32": None, "16": torch.float16, "bf16": torch.bfloat16}
# What allocators say besides torch.OutOfMemoryError: torch's on the CPU, oneDNN's, C++'s, Apple's, cuDNN's and cuBLAS'.
_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "could not create a memory object")
_NO_MEMORY += ("could not create a primitive", "bad_alloc", "bad allocation", "ALLOC_FAILED")


def upscale(network: nn.Module, lr: Tensor, *, tile: int | None = None, overlap: int = 16, ensemble: bool = False) -> Tensor:
    """Enlarge (N, C, H, W) in [0, 1] to (N, C, sH, sW) float32 on lr's device; not clipped.

    Args:
        network: in eval mode, with `scale` and `multiple_of`; `tile` and `overlap` are rounded up to `multiple_of`.
        tile: longest side of an LR tile in pixels; all tiles of an image have one size. None: the whole image at once.
        overlap: LR pixels that neighbouring tiles share at least. The outer 3/8 of them on each side are discarded, the
            middle quarter is blended: the result is that of the whole image if the network looks no further than
            `overlap * 3 / 8` pixels from each, and has no visible seams otherwise.
        ensemble: average over the 8 flips and quarter turns (EDSR, arXiv:1707.02921, section 3.3), for 8 times the work.

    Raises:
        InputError: lr is not (N, C, H, W) or not in [0, 1] (`sr.functional.pixels`), or tile and overlap do not fit each other.
    """
    if lr.ndim != 4 or 0 in lr.shape:
        raise InputError(f"lr has shape {tuple(lr.shape)}: expected (N, C, H, W), none of them 0")
    check_pixels(lr, "lr")
    return Upscaler(network, tile=tile, overlap=overlap, ensemble=ensemble)(lr)


class Upscaler:
    """A network with the way it goes over images; `blocks` gives a result piece by piece.

    Args:
        network, tile, overlap, ensemble: as for `upscale`.
        batch: so many neighbouring tiles go through the network at once.
        precision: "32", which is never TF32; "16" and "bf16": convolutions and matrix products in half the bits, by
            torch.autocast, so that what the network adds to the enlarged input keeps float32 where the network's code does.
        halve: where the memory is too short, go on with single tiles, then with tiles of half the side (down to twice
            the overlap), for all images that follow too. False: that raises.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        tile: int | None = None,
        overlap: int = 16,
        ensemble: bool = False,
        batch: int = 1,
        precision: str = "32",
        halve: bool = False,
    ) -> None:
        self.network, self.ensemble, self.batch, self.halve = network, ensemble, batch, halve
        self.tile, self.overlap = tiling(tile, overlap, network.multiple_of) if tile is not None else (None, overlap)
        self.dtype = PRECISIONS[precision]

    def __call__(self, lr: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, sH, sW), float32, on lr's device."""
        (n, channels, height, width), scale = lr.shape, self.network.scale
        sr = None
        for top, left, block in self.blocks(lambda rows, columns: lr[..., rows, columns], height, width):
            if block.shape[-2:] == (height * scale, width * scale):
                return block
            if sr is None:
                sr = block.new_empty(n, channels, height * scale, width * scale)
            sr[..., top : top + block.shape[-2], left : left + block.shape[-1]] = block
        return sr

    def blocks(self, part: Callable[[slice, slice], Tensor], height: int, width: int) -> Iterator[tuple[int, int, Tensor]]:
        """Finished parts (top, left, (N, C, h, w) float32) of the SR image, row after row of tiles, each from left to right.

        They cover the image without overlap, and no more of it is kept than a tile and the blended edge of a row of tiles.
        Where they lie is settled by this call, whatever the memory allows later.
        `part(rows, columns)` gives that part of the LR image, (N, C, h, w) float32.
        """
        y, x = (mirrored(length, self.network.multiple_of) for length in (height, width))
        overlap = 0 if self.tile is None else tiling(self.tile, self.overlap, self.network.multiple_of)[1]
        plan = (self.tile, overlap, self.network.multiple_of, self.network.scale)
        return self._blocks(part, y, x, windows(len(y), *plan), windows(len(x), *plan), height, width)

    def _blocks(
        self,
        part: Callable[[slice, slice], Tensor],
        y: Tensor,
        x: Tensor,
        rows: list[Window],
        columns: list[Window],
        height: int,
        width: int,
    ) -> Iterator[tuple[int, int, Tensor]]:
        scale, above, edge = self.network.scale, 0, None  # rows shared with the tiles above; what those have of them
        highest = max(row.stop - row.done for row in rows) * scale
        for row in rows:
            left, below = None, (row.stop - row.done) * scale
            for column, sr in self._tiles(part, y[row.start : row.stop], x, columns):
                if (weight := _product(row.weight, column.weight)) is not None:
                    sr *= weight.to(sr.device)
                if left is not None:
                    sr[..., : left.shape[-1]] += left
                sr, left = sr.split([(column.done - column.start) * scale, (column.stop - column.done) * scale], -1)
                left = left.clone()  # or it keeps the whole tile in memory
                start, stop = column.start * scale, column.done * scale
                if above:
                    sr[..., :above, :] += edge[..., :above, start:stop]
                if below:
                    edge = sr.new_empty(*sr.shape[:-2], highest, len(x) * scale) if edge is None else edge
                    edge[..., :below, start:stop] = sr[..., -below:, :]
                top, bottom = row.start * scale, min(row.done, height) * scale
                yield top, start, sr[..., : bottom - top, : width * scale - start]
                del sr  # or it stays in memory while the network works on the next
            above = below

    def _tiles(
        self, part: Callable[[slice, slice], Tensor], y: Tensor, x: Tensor, columns: list[Window]
    ) -> Iterator[tuple[Window, Tensor]]:
        """The network's results along a row of tiles, computed in batches; y and x are the padded image's pixels."""
        at = 0
        while at < len(columns):
            together = columns[at : at + self.batch]
            lr = torch.cat([_padded(part, y, x[column.start : column.stop]) for column in together])
            yield from zip(together, self._run(lr).chunk(len(together)), strict=True)
            at += len(together)

    def _run(self, lr: Tensor) -> Tensor:
        """The network on one batch of tiles; where the memory is too short, on smaller ones."""
        if self.halve and self.tile is not None and max(lr.shape[-2:]) > self.tile:  # planned before it was halved
            return self(lr)
        try:
            return self._forward(lr)
        except (RuntimeError, MemoryError) as error:
            if not self.halve or not out_of_memory(error):
                raise
            smaller = max(lr.shape[-2:]) // 2 // self.network.multiple_of * self.network.multiple_of
            if len(lr) == 1 and smaller < max(2 * self.overlap, 1):
                size = f"{lr.shape[-1]}x{lr.shape[-2]}"
                raise torch.OutOfMemoryError(f"out of memory, even with tiles of {size} pixels") from error
        # not inside `except`: there, the traceback keeps the tensors of the failed attempt
        if lr.is_cuda or _device(self.network, lr).type == "cuda":
            torch.cuda.empty_cache()
        if len(lr) > 1:
            self.batch = 1
            return torch.cat([self._run(one) for one in lr.split(1)])
        self.tile = smaller
        return self(lr)

    @torch.no_grad()  # here, not on the generators: the decorator would keep each result while the next is computed
    def _forward(self, lr: Tensor) -> Tensor:
        device = _device(self.network, lr)
        x = lr.to(device)
        with torch.autocast(device.type, self.dtype) if self.dtype else float32(device.type):
            if not self.ensemble:
                return self.network(x).to(lr.device, torch.float32)
            total = 0
            for turns, flip in product(range(4), (False, True)):
                view = torch.rot90(x.flip(-1) if flip else x, turns, (-2, -1))
                sr = torch.rot90(self.network(view).float(), -turns, (-2, -1))
                total = total + (sr.flip(-1) if flip else sr)
            return (total / 8).to(lr.device)


def _padded(part: Callable[[slice, slice], Tensor], y: Tensor, x: Tensor) -> Tensor:
    """Rows y and columns x, which run on beyond the edge as in a mirror."""
    top, left = int(y.min()), int(x.min())
    lr = part(slice(top, int(y.max()) + 1), slice(left, int(x.max()) + 1))
    return lr.index_select(-2, (y - top).to(lr.device)).index_select(-1, (x - left).to(lr.device))


def _product(row: Tensor | None, column: Tensor | None) -> Tensor | None:
    if row is None or column is None:
        return column if row is None else row[:, None]
    return row[:, None] * column


def channels(network: nn.Module) -> int:
    """How many a network takes; 3, RGB, where it does not say."""
    return getattr(network, "channels", 3)


def out_of_memory(error: Exception) -> bool:
    """Whether it is an allocator's, of a device or of the host."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(words in str(error) for words in _NO_MEMORY)


def _device(network: nn.Module, lr: Tensor) -> torch.device:
    """Where the network is; lr's device for one without parameters."""
    return next((parameter.device for parameter in network.parameters()), lr.device)
