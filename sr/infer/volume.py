"""From an LR volume of any size to its SR volume: windows that slide along D, H and W, blended, slab by slab.

What sr/infer/upscaler.py is for pictures, with a factor per axis. A window overlaps its neighbours by at least `overlap` LR
voxels; the outer 3/8 of that are discarded and the middle quarter is blended (sr/infer/tiles.py).
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import product

import torch
from torch import Tensor, nn

from sr.device.float32 import float32
from sr.errors import InputError
from sr.functional.axes import check_volume, is_volume
from sr.functional.pixels import check_pixels
from sr.infer.memory import out_of_memory
from sr.infer.tiles import Grid, Window
from sr.infer.upscaler import PRECISIONS
from sr.network.inputs import conditions

TILE, OVERLAP = 96, 16  # LR voxels: 1.3 times the work of the whole for a brain of 1 mm; 0.1 GB a layer of 32 features

Part = Callable[[slice, slice, slice], Tensor]


def upscale_volume(
    network: nn.Module,
    lr: Tensor,
    *,
    tile: int | None = TILE,
    overlap: int = OVERLAP,
    ensemble: bool = False,
    precision: str = "32",
) -> Tensor:
    """Upscale (N, C, D, H, W) in [0, 1] to (N, C, fD, fH, fW) float32 on lr's device; not clipped.

    Args:
        network: in eval mode, with `factors` and `multiple_of`, to which `tile` and `overlap` are rounded up.
        tile: longest side of a window in LR voxels; None: the whole volume at once.
        overlap: LR voxels that neighbouring windows share at least. The result is that of the whole volume if the radius of
            the receptive field is at most `overlap * 3 / 8`, and has no visible seams otherwise.
        ensemble: average over the 8 flips along D, H and W, for 8 times the work.
        precision: "32", "16" or "bf16", as in `sr.infer.upscaler.Upscaler`.

    Raises:
        InputError: lr is not (N, C, D, H, W) in [0, 1], or tile and overlap do not fit together.
    """
    check_volume(lr, "lr")
    check_pixels(lr, "lr")
    return VolumeUpscaler(network, tile=tile, overlap=overlap, ensemble=ensemble, precision=precision)(lr)


class VolumeUpscaler:
    """A volume network with its windows; `slabs` yields a result slab by slab. Arguments as for `upscale_volume`.

    If memory is too short for a window and `halve` is true, windows have half the side from then on, down to twice the
    overlap.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        tile: int | None = TILE,
        overlap: int = OVERLAP,
        ensemble: bool = False,
        precision: str = "32",
        halve: bool = False,
    ) -> None:
        name = type(network).__name__
        if not is_volume(network):
            raise InputError(f"{name} is for pictures (N, C, H, W), not for volumes")
        if lacking := conditions(network):
            raise InputError(f"{name}.forward requires {', '.join(lacking)}: volumes have no further keys")
        self.network, self.tile, self.overlap = network, tile, overlap
        self.ensemble, self.dtype, self.halve = ensemble, PRECISIONS[precision], halve

    def size(self, sizes: tuple[int, int, int]) -> tuple[int, int, int]:
        """D, H and W of the result for those of LR."""
        return tuple(size * f for size, f in zip(sizes, self.network.factors, strict=True))

    def __call__(self, lr: Tensor) -> Tensor:
        """(N, C, D, H, W) -> (N, C, fD, fH, fW) float32 on lr's device. InputError: lr is not such a volume."""
        check_volume(lr, "lr")
        made = None
        for first, slab in self.slabs(lambda *window: lr[(..., *window)], lr.shape[2:]):
            if slab.shape[2:] == self.size(lr.shape[2:]):
                return slab
            made = slab.new_empty(*slab.shape[:2], *self.size(lr.shape[2:])) if made is None else made
            made[:, :, first : first + slab.shape[2]] = slab
        return made

    def slabs(self, part: Part, sizes: tuple[int, int, int]) -> Iterator[tuple[int, Tensor]]:
        """Finished slabs (first slice, (N, C, d, fH, fW) float32) of the SR volume, from the first slice to the last.

        In memory are one row of windows as high as a tile and the blended edge between two rows, however deep the volume is.
        `part(D, H, W)`, three slices, gives that part of the LR volume, (N, C, d, h, w) float32. If memory is too short,
        smaller windows are used from the next slab on that was not yielded yet.
        """
        done = 0
        while done < sizes[0] * self.network.factors[0]:
            tile = self.tile
            try:
                for first, slab in self._slabs(part, sizes):
                    if first + slab.shape[2] > done:
                        cut = max(done - first, 0)
                        yield first + cut, slab[:, :, cut:]
                        done = first + slab.shape[2]
            except (RuntimeError, MemoryError) as error:
                smaller = (max(sizes) if tile is None else min(tile, max(sizes))) // 2
                if not self.halve or not out_of_memory(error) or smaller <= 2 * self.overlap:
                    raise
                self.tile = smaller
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _slabs(self, part: Part, sizes: tuple[int, int, int]) -> Iterator[tuple[int, Tensor]]:
        pairs = zip(sizes, self.network.factors, strict=True)
        z, y, x = (Grid.by(n, Fraction(f), self.network.multiple_of, self.tile, self.overlap) for n, f in pairs)
        edge = None
        for slab in z.windows:
            made = self._slab(part, (z, y, x), slab)
            if slab.weight is not None:
                made *= slab.weight.to(made.device).view(-1, 1, 1)
            if edge is not None:
                made[:, :, : edge.shape[2]] += edge
            finished = z.at(slab.done) - z.at(slab.start)
            edge = made[:, :, finished:].clone() if finished < made.shape[2] else None
            first, last = z.at(slab.start), min(z.at(slab.done), z.result)
            yield first, made[:, :, : last - first]
            del made

    def _slab(self, part: Part, grids: tuple[Grid, Grid, Grid], slab: Window) -> Tensor:
        """The weighted sum over all windows of one row: (N, C, d, fH, fW)."""
        z, y, x = grids
        made = None
        for row, column in product(y.windows, x.windows):
            windows = zip(grids, (slab, row, column), strict=True)
            sr = self._forward(_mirrored(part, [grid.pixels[one.start : one.stop] for grid, one in windows]))
            for weight, shape in ((row.weight, (-1, 1)), (column.weight, (-1,))):
                if weight is not None:
                    sr *= weight.to(sr.device).view(shape)
            if made is None:
                made = sr.new_zeros(*sr.shape[:3], y.at(y.windows[-1].stop), x.at(x.windows[-1].stop))
            made[..., y.at(row.start) : y.at(row.stop), x.at(column.start) : x.at(column.stop)] += sr
        return made[..., : y.result, : x.result]

    @torch.no_grad()
    def _forward(self, lr: Tensor) -> Tensor:
        device = next((parameter.device for parameter in self.network.parameters()), lr.device)
        x = lr.to(device)
        with torch.autocast(device.type, self.dtype) if self.dtype else float32(device.type):
            if not self.ensemble:
                return self.network(x).to(lr.device, torch.float32)
            total = 0
            for dims in _flips():
                total = total + self.network(x.flip(dims)).float().flip(dims)
            return (total / 8).to(lr.device)


def _flips() -> list[tuple[int, ...]]:
    """The 8 choices of spatial axes."""
    return [tuple(dim for dim, on in zip((-3, -2, -1), choice, strict=True) if on) for choice in product((0, 1), repeat=3)]


def _mirrored(part: Part, places: list[Tensor]) -> Tensor:
    """The voxels at these places along D, H and W, mirrored beyond the edge of the volume."""
    starts = [int(place.min()) for place in places]
    lr = part(*(slice(start, int(place.max()) + 1) for start, place in zip(starts, places, strict=True)))
    for dim, start, place in zip((-3, -2, -1), starts, places, strict=True):
        lr = lr.index_select(dim, (place - start).to(lr.device))
    return lr
