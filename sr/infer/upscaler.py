"""From an LR image of any size to its SR image: pad -> tile -> network -> blend -> crop; self-ensemble; half precision.

The only place that pads. Neither the image nor its result is on the network's device as a whole, if that is not theirs: only a
few tiles are.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from sr.device.float32 import float32
from sr.errors import InputError
from sr.functional.axes import is_volume
from sr.functional.frames import check_clip, is_burst
from sr.functional.noise_field import places
from sr.functional.pixels import check_pixels
from sr.functional.sent import sent
from sr.functional.views import turned_back, viewed
from sr.infer.arrival import Piece, arriving
from sr.infer.factor import CLOSE, factor
from sr.infer.memory import out_of_memory
from sr.infer.tiles import Grid, Window, padded, placed, product_of, scaled, tiling
from sr.network.inputs import PLACE, SCALE, SIZE, check_known, chosen, fits, further, is_image, takes_size

ORIGIN = torch.zeros(1, 2, dtype=torch.int64)  # row and column of the first pixel of SR
PRECISIONS = {"32": None, "16": torch.float16, "bf16": torch.bfloat16}


def upscale(
    network: nn.Module,
    lr: Tensor,
    *,
    scale: float | None = None,
    tile: int | None = None,
    overlap: int = 16,
    ensemble: bool = False,
    further: Mapping[str, Any] | None = None,
) -> Tensor:
    """Upscale (N, C, H, W) in [0, 1] to (N, C, round(s * H), round(s * W)) float32 on lr's device; not clipped.

    Bursts (N, T, C, H, W) by a network for bursts, each tile as a burst of its own.

    Args:
        network: in eval mode, with `scale` and `multiple_of`; `tile` and `overlap` are rounded up to `multiple_of`.
        scale: for a network with a `size` argument, any number with at most two decimals, or a fraction such as 4 / 3; None:
            the network's own.
        tile: longest side of an LR tile in pixels; all tiles of an image have one size. None: the whole image at once.
        overlap: LR pixels that neighbouring tiles share at least. The outer 3/8 of them on each side are discarded, the
            middle quarter is blended: the result equals that of the whole image if the radius of the receptive field is at
            most `overlap * 3 / 8` pixels, and has no visible seams otherwise.
        ensemble: average over the 8 flips and rotations (EDSR, arXiv:1707.02921, section 3.3), for 8 times the work.
        further: other arguments of the network's `forward` (sr/network/inputs.py): numbers, texts, or tensors (N, ...).

    Raises:
        InputError: lr is not (N, C, H, W) or not in [0, 1] (`sr.functional.pixels`), tile and overlap do not fit together, an
            unsupported scale, or a missing argument.
    """
    if is_volume(network):
        raise InputError(f"{type(network).__name__} is for volumes: call sr.infer.volume.upscale_volume")
    if is_burst(network):
        check_clip(lr, "burst")
    elif lr.ndim != 4 or 0 in lr.shape:
        raise InputError(f"lr has shape {tuple(lr.shape)}: expected (N, C, H, W), without empty dimensions")
    check_pixels(lr, "lr")
    return Upscaler(network, scale=scale, tile=tile, overlap=overlap, ensemble=ensemble, further=further)(lr)


class Upscaler:
    """A network with its tiling settings; `blocks` yields a result piece by piece.

    Args:
        network, scale, tile, overlap, ensemble, further: as for `upscale`.
        batch: number of neighbouring tiles per forward pass.
        precision: "32", which is never TF32; "16" and "bf16": convolutions and matrix products in half precision by
            torch.autocast; the sum with the upscaled input stays in float32 if the network's code does so.
        halve: if memory is too short, continue with single tiles, then with tiles of half the side (down to twice the
            overlap), also for all following images. False: raise an error.
        target: height and width of all results, if the network takes a `size`.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        scale: float | None = None,
        tile: int | None = None,
        overlap: int = 16,
        ensemble: bool = False,
        batch: int = 1,
        precision: str = "32",
        halve: bool = False,
        further: Mapping[str, Any] | None = None,
        target: tuple[int, int] | None = None,
    ) -> None:
        tile, halve = (None, False) if fits(network, ensemble, precision) else (tile, halve)
        self.network, self.ensemble, self.batch, self.halve, self.target = network, ensemble, batch, halve, target
        self.factor = factor(network, scale)
        self.further = dict(further or {})
        check_known(network, {*self.further, SIZE, SCALE}, "this call")
        multiple = math.lcm(network.multiple_of, self.factor.denominator)
        self.tile, self.overlap = tiling(tile, overlap, multiple) if tile is not None else (None, overlap)
        self.dtype = PRECISIONS[precision]

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the result for those of LR."""
        if self.target is not None and takes_size(self.network):
            return self.target
        return scaled(height, self.factor), scaled(width, self.factor)

    def reaches(self, scale: float) -> bool:
        """Whether it upscales by this scale, up to the error of a fraction with small numbers."""
        return abs(scale / self.factor - 1) < CLOSE

    def __call__(self, lr: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """(N, C, H, W) to (N, C, sH, sW), or to `size` if the network accepts one; float32, on lr's device."""
        return self._joined(lr, self._grids(*lr.shape[-2:], size))

    def _joined(self, lr: Tensor, grids: tuple[Grid, Grid], corner: Tensor = ORIGIN) -> Tensor:
        whole, sr = tuple(grid.result for grid in grids), None
        for top, left, block in self._blocks(lambda rows, columns: lr[..., rows, columns], *grids, corner=corner):
            if block.shape[-2:] == whole:
                return block
            if sr is None:
                sr = block.new_empty(*block.shape[:-2], *whole)
            sr[..., top : top + block.shape[-2], left : left + block.shape[-1]] = block
        return sr

    def blocks(
        self,
        part: Callable[[slice, slice], Tensor],
        height: int,
        width: int,
        made: Callable[[Tensor], tuple[Tensor, ...]] = lambda sr: (sr,),
    ) -> Iterator[Piece]:
        """Finished parts (top, left, (N, C, h, w) float32) of the SR image, row by row of tiles, each from left to right.

        They cover the image without overlap; only one tile and the blended edge of a row of tiles are kept in memory. This
        call fixes their positions, even if memory runs out later.
        `part(rows, columns)` gives that part of the LR image, (N, C, h, w) float32 on the host, where the results are too. A
        GPU blends the tiles and applies `made` to the parts, and computes the next batch while those of one are copied.
        """
        device = _device(self.network, torch.empty(0))
        device = device if device.type == "cuda" else None
        blocks = self._blocks(part, *self._grids(height, width), device)
        pieces = map(lambda block: (*block[:2], *made(block[2])), blocks)  # a generator would keep each block
        return pieces if device is None else arriving(pieces, self.batch)

    def _grids(self, height: int, width: int, size: tuple[int, int] | None = None) -> tuple[Grid, Grid]:
        """How the two sides are upscaled; `size` is that of the result, None: by `factor`."""
        sides, multiple, size = (height, width), self.network.multiple_of, size or self.target
        if size is None or not takes_size(self.network):
            return tuple(Grid.by(length, self.factor, multiple, self.tile, self.overlap) for length in sides)
        pairs = zip(sides, size, strict=True)
        return tuple(Grid.to(length, result, multiple, self.tile, self.overlap) for length, result in pairs)

    def _blocks(
        self,
        part: Callable[[slice, slice], Tensor],
        y: Grid,
        x: Grid,
        device: torch.device | None = None,
        corner: Tensor = ORIGIN,
    ) -> Iterator[tuple[int, int, Tensor]]:
        """Parts of SR on the device, None: on that of LR. `corner` is where SR begins in the whole picture."""
        rows, columns = placed(y.windows, device), placed(x.windows, device)
        above, edge = 0, None  # rows shared with the tiles above; their part of them
        highest = max(y.at(row.stop) - y.at(row.done) for row in rows)
        for row in rows:
            left, below = None, y.at(row.stop) - y.at(row.done)
            for column, sr in self._tiles(part, y, x, row, columns, device, corner):
                if (weight := product_of(row.weight, column.weight)) is not None:
                    sr *= weight.to(sr.device)
                if left is not None:
                    sr[..., : left.shape[-1]] += left
                start, stop = x.at(column.start), x.at(column.done)
                sr, left = sr.split([stop - start, x.at(column.stop) - stop], -1)
                left = left.clone()  # otherwise it keeps the whole tile in memory
                if above:
                    sr[..., :above, :] += edge[..., :above, start:stop]
                if below:
                    edge = sr.new_empty(*sr.shape[:-2], highest, x.at(columns[-1].stop)) if edge is None else edge
                    edge[..., :below, start:stop] = sr[..., -below:, :]
                top, bottom = y.at(row.start), min(y.at(row.done), y.result)
                yield top, start, sr[..., : max(bottom - top, 0), : max(x.result - start, 0)]
                del sr  # otherwise it stays in memory while the network computes the next
            above = below

    def _tiles(
        self,
        part: Callable[[slice, slice], Tensor],
        y: Grid,
        x: Grid,
        row: Window,
        columns: Sequence[Window],
        device: torch.device | None,
        corner: Tensor,
    ) -> Iterator[tuple[Window, Tensor]]:
        """The network's results for a row of tiles, computed in batches."""
        at = 0
        pixels = y.pixels[row.start : row.stop]
        while at < len(columns):
            together = columns[at : at + self.batch]
            lr = torch.cat([padded(part, pixels, x.pixels[column.start : column.stop]) for column in together])
            lr = lr if device is None else sent([lr], device)[0]
            corners = [corner + torch.tensor([y.at(row.start), x.at(column.start)]) for column in together]
            place = torch.cat([one.expand(len(lr) // len(together), 2) for one in corners])
            yield from zip(together, self._run(lr, y, x, place).chunk(len(together)), strict=True)
            at += len(together)

    def _run(self, lr: Tensor, y: Grid, x: Grid, corner: Tensor) -> Tensor:
        """The network on one batch of tiles, of which (N, 2) are the corners; if memory is too short, on smaller ones."""
        tile = (self.tile, self.overlap)
        if self.halve and self.tile is not None and max(lr.shape[-2:]) > max(y.tile(*tile), x.tile(*tile)):
            return self._smaller(lr, y, x, corner)  # planned before the tiles were halved
        try:
            return self._forward(lr, corner, y.factor, x.factor)
        except (RuntimeError, MemoryError) as error:
            if not self.halve or not out_of_memory(error):
                raise
            multiple = math.lcm(y.multiple, x.multiple)
            smaller = max(lr.shape[-2:]) // 2 // multiple * multiple
            least = smaller < max(2 * self.overlap, 1) or tiling(smaller, self.overlap, multiple)[0] >= max(lr.shape[-2:])
            if len(lr) == 1 and least:
                size = f"{lr.shape[-1]}x{lr.shape[-2]}"
                raise torch.OutOfMemoryError(f"out of memory, even with tiles of {size} pixels") from error
        # not inside `except`: there the traceback keeps the failed attempt's tensors
        if lr.is_cuda or _device(self.network, lr).type == "cuda":
            torch.cuda.empty_cache()
        if len(lr) > 1:
            self.batch = 1
            return torch.cat([self._run(one, y, x, own) for one, own in zip(lr.split(1), corner.split(1), strict=True)])
        self.tile = smaller
        return self._smaller(lr, y, x, corner)

    def _smaller(self, lr: Tensor, y: Grid, x: Grid, corner: Tensor) -> Tensor:
        """A tile split into smaller ones with the same factors."""
        pairs = zip(lr.shape[-2:], (y, x), strict=True)
        return self._joined(
            lr, tuple(Grid.by(n, one.factor, one.multiple, self.tile, self.overlap) for n, one in pairs), corner
        )

    @torch.no_grad()  # here, not on the generators: the decorator would keep each result while the next is computed
    def _forward(self, lr: Tensor, corner: Tensor, *factors: Fraction) -> Tensor:
        device = _device(self.network, lr)
        x = lr.to(device)
        with torch.autocast(device.type, self.dtype) if self.dtype else float32(device.type):
            if not self.ensemble:
                return self.network(x, **self._others(x, factors, corner)).to(lr.device, torch.float32)
            total = 0
            for turns, flip in product(range(4), (False, True)):
                view, swapped = viewed(x, turns, flip), factors[::-1] if turns % 2 else factors
                sr = self.network(view, **self._others(view, swapped, corner, turns, flip)).float()
                total = total + turned_back(sr, turns, flip)
            return (total / 8).to(lr.device)

    def _others(
        self, lr: Tensor, factors: Sequence[Fraction], corner: Tensor, turns: int = 0, flip: bool = False
    ) -> dict[str, Any]:
        """Arguments of `forward` besides LR: size and place of the result, the scale, and `further`, in which images are
        rotated."""
        size = tuple(round(n * factor) for n, factor in zip(lr.shape[-2:], factors, strict=True))
        known = {SIZE: size, SCALE: lr.new_full((len(lr),), float(factors[0]))}
        if PLACE in further(self.network):
            known[PLACE] = viewed(places(size[::-1] if turns % 2 else size, corner), turns, flip)
        for name, value in self.further.items():
            known[name] = _for_each(name, value, lr, self.tile)
            if is_image(known[name]):
                known[name] = viewed(known[name], turns, flip)
        return chosen(self.network, known)


def _for_each(name: str, value: Any, lr: Tensor, tile: int | None) -> Any:
    """A further input per image of (N, C, H, W): numbers (N,), texts as a list, tensors repeated for tiles."""
    count = len(lr)
    if isinstance(value, int | float):
        return lr.new_full((count,), value)
    if isinstance(value, str):
        return [value] * count
    if count % len(value):
        raise InputError(f"{name} is for {len(value)} images, but there are {count}")
    if not isinstance(value, Tensor):
        return list(value) * (count // len(value))
    if tile is not None and is_image(value) and max(value.shape[-2:]) > tile:
        raise InputError(f"{name} of {value.shape[-1]}x{value.shape[-2]} pixels cannot be cut into tiles: pass tile=None")
    return value.to(lr.device).repeat(count // len(value), *[1] * (value.ndim - 1))


def channels(network: nn.Module) -> int:
    """The network's number of channels; 3 (RGB) by default."""
    return getattr(network, "channels", 3)


def _device(network: nn.Module, lr: Tensor) -> torch.device:
    """The network's device; lr's device for a network without parameters."""
    return next((parameter.device for parameter in network.parameters()), lr.device)
