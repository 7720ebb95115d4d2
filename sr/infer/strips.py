"""Upscales an image in strips of finished rows, never all in memory: alpha, gray, any factor, 8 and 16 bit."""

import math
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from mmap import ACCESS_COPY, mmap
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from sr.errors import InputError, NotFiniteError
from sr.functional.pixels import levels
from sr.functional.resize_rows import RowResize
from sr.image.bleed import bled
from sr.image.file import Image, to_pixels, to_tensor
from sr.infer.arrival import Piece
from sr.infer.upscaler import Upscaler, channels

ROWS = 64  # most rows of a strip
NOT_FINITE = "the network's output is NaN or infinite: its weights are broken, or the precision is too low for them"
FLOAT = np.dtype(np.float32)
Alpha = Literal["bicubic", "network"]


Factor = float | Fraction | tuple[int, int]  # or height and width of the result


def factor_of(upscaler: Upscaler, outscale: float | None) -> Factor:
    """The upscaler's target; else `outscale`, as the upscaler's exact fraction if the network upscales by it."""
    if upscaler.target is not None:
        return upscaler.target
    return upscaler.factor if outscale is None or upscaler.reaches(outscale) else outscale


def shape(image: Image, factor: Factor) -> tuple[int, int, int]:
    """(H, W, C) of the result of `strips`: sides times `factor`, rounded; C = 1 to 4 as in `sr.image.writer.Writer`."""
    sized = isinstance(factor, tuple)
    height, width = factor if sized else (max(round(side * factor), 1) for side in image.pixels.shape[:2])
    return height, width, (1 if image.was_gray else 3) + (image.alpha is not None)


def strips(
    upscaler: Upscaler,
    image: Image,
    *,
    outscale: float | None = None,
    alpha_upscale: Alpha = "bicubic",
    progress: Callable[[float], None] = lambda part: None,
) -> Iterator[np.ndarray]:
    """The upscaled image in strips (h, W, C) from top to bottom, in the type of its pixels; gray stays gray.

    Hidden pixels (alpha 0) first take the colour of the visible ones around them, so that edges do not darken
    (sr/image/bleed.py).

    Args:
        outscale: factor of the result. If it is not the upscaler's, the network's result is resized by bicubic interpolation
            (MATLAB's, in float32), and a strip of it is kept in float32. None: the upscaler's factor.
        alpha_upscale: how alpha is upscaled; network treats it as a gray image, which doubles the work. A constant alpha
            stays constant.
        progress: called with each finished fraction of the work.

    Raises:
        NotFiniteError: the network's output is not finite. InputError: see `check_bands`.
    """
    height, width = image.pixels.shape[:2]
    check_bands(upscaler.network, image.was_gray)
    own, dtype = upscaler.size(height, width), image.pixels.dtype
    if image.alpha is not None and image.alpha.min() == image.alpha.max():
        alpha_upscale = "bicubic"  # a network would make constant alpha translucent at the edges
    target = shape(image, factor_of(upscaler, outscale))[:2]
    resized = target != own
    parts = _parts(upscaler, image, alpha_upscale, progress, FLOAT if resized else dtype)
    if resized:
        whole = RowResize(own, target)
        bands = (_hwc(band) for band in whole.stream(_chw(band) for band in rows_of(parts, own[1])))
    else:
        bands = rows_of(parts, own[1], dtype)
    bicubic = RowResize((height, width), target) if image.alpha is not None and alpha_upscale == "bicubic" else None
    top = 0
    for band in bands:
        band = _pixels(band, dtype) if resized else band
        if bicubic is not None:
            start, stop = bicubic.needs(top, top + len(band))
            alpha = bicubic.rows(to_tensor(image.alpha[start:stop]), start, top, top + len(band))
            band = np.concatenate([band, to_pixels(alpha, dtype)], axis=2)
        top += len(band)
        yield band


def check_bands(network: nn.Module, was_gray: bool) -> None:
    """Check that a file suits a network: gray and RGB for an RGB network, gray for a gray one.

    Raises:
        InputError: the file has colour and the network is for gray, or the network has another number of bands.
    """
    bands = channels(network)
    if bands not in (1, 3):
        raise InputError(f"the network is for {bands} bands; image files have one or three")
    if bands == 1 and not was_gray:
        raise InputError("the image has colour, but the network is for gray (image=gray): convert it to gray first")


def _parts(
    upscaler: Upscaler, image: Image, alpha_upscale: Alpha, progress: Callable[[float], None], dtype: np.dtype
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Finished pieces (top, left, (h, w, C)) of colour and, if the network upscales it, alpha: float32, or uint8 if a GPU made
    them and `dtype` is, so that less is copied."""
    height, width = image.pixels.shape[:2]
    colour = bled(image.pixels, image.alpha)
    bands = channels(upscaler.network)

    def made(sr: Tensor, gray: bool) -> tuple[Tensor, Tensor]:
        """What is written, and whether it is finite."""
        finite = torch.isfinite(sr.sum())  # the sum needs no extra memory
        sr = sr.mean(1, keepdim=True) if gray else sr
        return levels(sr, 255).byte() if sr.is_cuda and dtype == np.uint8 else sr, finite

    def run(part: Callable[[slice, slice], Tensor], gray: bool) -> Iterator[Piece]:
        return upscaler.blocks(part, height, width, lambda sr: made(sr, gray))

    runs = [run(lambda rows, columns: to_tensor(colour[rows, columns][..., :bands]), image.was_gray)]
    if image.alpha is not None and alpha_upscale == "network":
        runs.append(run(lambda rows, columns: to_tensor(image.alpha[rows, columns]).expand(-1, bands, -1, -1), True))

    def joined(*pieces: Piece) -> tuple[int, int, np.ndarray]:
        top, left, sr, _ = pieces[0]
        if not all(finite for *_, finite in pieces):
            raise NotFiniteError(NOT_FINITE)
        progress(sr.shape[-2] * sr.shape[-1] / math.prod(upscaler.size(height, width)))
        if len(pieces) > 1:
            sr = torch.cat([sr, pieces[1][2]], 1)
        return top, left, _hwc(sr)

    return map(joined, *runs)  # a loop over zip would keep each piece while the network computes the next


def rows_of(parts: Iterator[tuple[int, int, np.ndarray]], width: int, dtype: np.dtype = FLOAT) -> Iterator[np.ndarray]:
    """Joins pieces (top, left, (h, w, C)), which come from left to right, to rows of full width: few at a time, freed as soon
    as they are written; float32 becomes uint8 or uint16 by `to_pixels`, what has the type already is unchanged."""
    band: deque[np.ndarray] = deque()
    for _, left, part in parts:
        if left == 0:
            heights = (min(ROWS, len(part) - top) for top in range(0, len(part), ROWS))
            band.extend(_empty((height, width, part.shape[2]), dtype) for height in heights)
        for number, rows in enumerate(band):
            piece = part[number * ROWS : number * ROWS + len(rows)]
            rows[:, left : left + part.shape[1]] = piece if piece.dtype == dtype else _pixels(piece, dtype)
        last = left + part.shape[1] == width
        del part, piece, rows  # otherwise the tile stays in memory while the network computes the next
        while last and band:
            yield band.popleft()


def _empty(shape: tuple[int, int, int], dtype: np.dtype) -> np.ndarray:
    """An array in its own memory pages: they are allocated when written, and returned when the array is deleted.

    On the heap it would fragment the memory that the network's tensors need.
    """
    try:
        pages = mmap(-1, math.prod(shape) * dtype.itemsize, access=ACCESS_COPY)
    except OSError as error:  # elsewhere an OSError means the disk
        raise MemoryError(f"out of memory for {shape[0]} rows of the result") from error
    return np.frombuffer(pages, dtype).reshape(shape)


def _hwc(tensor: Tensor) -> np.ndarray:
    return tensor[0].permute(1, 2, 0).cpu().numpy()


def _chw(samples: np.ndarray) -> Tensor:
    return torch.from_numpy(samples).permute(2, 0, 1)[None]


def _pixels(part: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return to_pixels(_chw(part), dtype)
