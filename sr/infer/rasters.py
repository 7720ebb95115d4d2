"""Upscales a raster (GeoTIFF, DICOM, volume ...) in strips of finished rows: any bands and type, pixels without data kept.

Only windows of the file are read, so memory does not grow with the height of a scene.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from sr.errors import InputError, NotFiniteError
from sr.functional.resize_rows import RowResize
from sr.image.bleed import Bled
from sr.image.kind import PHOTO, Kind
from sr.image.raster import Raster, Valid, Window
from sr.infer.arrival import Piece
from sr.infer.strips import NOT_FINITE, factor_of, rows_of
from sr.infer.upscaler import Upscaler, channels
from sr.say import warn

Strip = tuple[np.ndarray, np.ndarray | None]


def size(raster: Raster, factor: float | Fraction) -> tuple[int, int, int]:
    """Planes, height and width of the result of `strips`: the sides times `factor`, rounded."""
    return raster.planes, *(max(round(side * factor), 1) for side in raster.shape[:2])


def strips(
    upscaler: Upscaler,
    raster: Raster,
    kind: Kind = PHOTO,
    *,
    planes: int | None = None,
    outscale: float | None = None,
    progress: Callable[[float], None] = lambda part: None,
) -> Iterator[Strip]:
    """The upscaled raster, plane after plane, in strips from top to bottom: samples (h, W, C) of its type, and valid (h, W).

    Pixels without data are filled from those around them before the network sees them (sr/image/bleed.py), so that they do not
    bleed into their neighbours; each becomes a block without data. Samples are clipped to what their type can hold.

    Args:
        kind: which values become 0 and 1 (`sr.image.kind.Kind.limits`).
        planes: number of planes to upscale; None: all.
        outscale: factor of the result, as in `sr.infer.strips.strips`.
        progress: called with each finished fraction of the work.

    Raises:
        NotFiniteError: the network's output is not finite. InputError: the file does not suit the network, or cannot be read.
    """
    check_bands(upscaler, raster, kind)
    limits, (height, width) = kind.limits(raster), raster.shape[:2]
    own, target = upscaler.size(height, width), size(raster, factor_of(upscaler, outscale))[1:]
    planes = planes or raster.planes
    for plane in range(planes):
        whole = math.prod(own) * planes
        bands = rows_of(_parts(upscaler, raster, plane, limits, lambda pixels: progress(pixels / whole)), own[1])  # noqa: B023
        if target != own:
            resized = RowResize(own, target).stream(torch.from_numpy(band).permute(2, 0, 1)[None] for band in bands)
            bands = (band[0].permute(1, 2, 0).numpy() for band in resized)
        top = 0
        for band in bands:
            yield _stored(band, limits, raster.dtype), _valid(raster, plane, top, len(band), target)
            top += len(band)


def check_bands(upscaler: Upscaler, raster: Raster, kind: Kind) -> None:
    """Check that a raster suits a network: the same number of bands, or one band for a network for RGB.

    Raises:
        InputError: it does not; the line names the file.
    """
    bands, wanted = raster.shape[2], channels(upscaler.network)
    if bands != wanted and (bands, wanted) != (1, 3):
        hint = ": write three of them first, as by gdal_translate -b 3 -b 2 -b 1" if bands > 3 == wanted else ""
        raise InputError(f"{raster.path}: {bands} bands, but the network is for {wanted} (image={kind.name}){hint}")


def check_unit(raster: Raster, kind: Kind) -> None:
    """Whether the samples can be those of a kind of integers in a range of its own, such as [0, 10000] of Sentinel-2.

    Looks at nine windows of the file. Floats may be reflectances, 0.2 for 2000; integers may be those of another satellite, of
    which one line warns if most of them lie outside the range.

    Raises:
        InputError: all values lie outside the range, or all floats below a thousandth of its end; the line names the file.
    """
    if kind.whole or kind.dtype == "float32":
        return
    seen = [values for where in _spread(*raster.shape[:2]) if (values := _values(raster, *where)).size]
    if not seen:
        return
    first, last = (float(end([end(values) for values in seen])) for end in (np.min, np.max))
    low, high = kind.range
    if last < low or first > high or (raster.dtype.kind == "f" and max(abs(first), abs(last)) < high / 1000):
        raise InputError(
            f"{raster.path}: values from {first:.6g} to {last:.6g}, but image={kind.name} has range {list(kind.range)}: "
            "convert them to that unit first, as by gdal_calc.py, or use a network trained for such files"
        )
    outside = sum(int(((values < low) | (values > high)).sum()) for values in seen) / sum(values.size for values in seen)
    if outside > 0.5:
        warn(
            f"{raster.path}: {outside:.0%} of the values looked at, {first:.6g} to {last:.6g}, lie outside image={kind.name}'s "
            f"range {list(kind.range)}: do not trust the result, unless the file is of that sensor and unit"
        )


def _spread(height: int, width: int, side: int = 64) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of nine windows, from corner to corner."""
    for top, left in itertools.product((0, 1, 2), repeat=2):
        y, x = max(height - side, 0) * top // 2, max(width - side, 0) * left // 2
        yield slice(y, min(y + side, height)), slice(x, min(x + side, width))


def _values(raster: Raster, rows: slice, columns: slice) -> np.ndarray:
    """The samples of a window that are data, (n, C)."""
    return Window(raster)[rows, columns][Valid(raster)[rows, columns] > 0]


def _parts(
    upscaler: Upscaler, raster: Raster, plane: int, limits: tuple[float, float], progress: Callable[[int], None]
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Finished pieces (top, left, (h, w, C) float32) of a plane."""
    (height, width, bands), (low, high) = raster.shape, limits
    pixels = Window(raster, plane)
    pixels = Bled(pixels, Valid(raster, plane)) if raster.masked else pixels
    wanted = channels(upscaler.network)

    def part(rows: slice, columns: slice) -> Tensor:
        samples = torch.from_numpy(np.ascontiguousarray(pixels[rows, columns].astype(np.float32)))
        return samples.sub_(low).div_(high - low).permute(2, 0, 1)[None].expand(-1, wanted, -1, -1)

    def made(sr: Tensor) -> tuple[Tensor, Tensor]:
        """What is written, and whether it is finite."""
        return sr.mean(1, keepdim=True) if bands < wanted else sr, torch.isfinite(sr.sum())  # the sum needs no extra memory

    def finished(piece: Piece) -> tuple[int, int, np.ndarray]:
        top, left, sr, finite = piece
        if not finite:
            raise NotFiniteError(NOT_FINITE)
        progress(sr.shape[-2] * sr.shape[-1])
        return top, left, sr[0].permute(1, 2, 0).numpy()

    return map(finished, upscaler.blocks(part, height, width, made))


def _stored(band: np.ndarray, limits: tuple[float, float], dtype: np.dtype) -> np.ndarray:
    """Values, 0 and 1 standing for the limits, in the type of the file: rounded half up and clipped to the type."""
    low, high = limits
    values = (
        band.astype(np.float64) * (high - low) + low if dtype.itemsize > 2 else band * np.float32(high - low) + np.float32(low)
    )
    if dtype.kind == "f":
        return values.astype(dtype)
    info = np.iinfo(dtype)
    return np.clip(np.floor(values + 0.5), info.min, info.max).astype(dtype)


def _valid(raster: Raster, plane: int, top: int, rows: int, target: tuple[int, int]) -> np.ndarray | None:
    """Where rows of the result have data: where the nearest pixel of the file has; None: everywhere."""
    if not raster.masked:
        return None
    height, width = raster.shape[:2]
    down = ((np.arange(top, top + rows) + 0.5) * (height / target[0])).astype(int).clip(0, height - 1)
    right = ((np.arange(target[1]) + 0.5) * (width / target[1])).astype(int).clip(0, width - 1)
    return Valid(raster, plane)[down[0] : down[-1] + 1, :][np.ix_(down - down[0], right)] > 0
