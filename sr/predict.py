"""Enlarge image files one after the other; a broken one costs a line, a stop costs nothing that is finished."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from torch import nn
from tqdm import tqdm

from sr.image import Image, read, to_pixels, to_tensor, write
from sr.infer import tiling, upscale
from sr.resize import imresize

AUTO_TILES = (256, 128, 64)  # LR pixels; the first that fits into the device's memory


@dataclass
class Result:
    """How many files were written, were there already, could not be read or written."""

    written: int = 0
    skipped: int = 0
    failed: int = 0

    def fail(self, reason: str) -> None:
        """Count a file and say why, above the progress bar."""
        self.failed += 1
        tqdm.write(reason, file=sys.stderr)

    def __str__(self) -> str:
        return f"{self.written} written, {self.skipped} skipped (there already), {self.failed} failed"


def predict_files(
    network: nn.Module,
    files: Sequence[tuple[Path, Path]],
    *,
    tile: int | Literal["auto"] | None = "auto",
    overlap: int = 16,
    ensemble: bool = False,
    overwrite: bool = False,
) -> Result:
    """Enlarge each input file into its output file, with a progress bar and a last line that counts.

    A file that fails costs one line on stderr, not the job. Each result appears whole or not at all, and those that are
    there are skipped unless `overwrite`: a job that was stopped goes on where it was. `tile`, `overlap` and `ensemble`
    as in sr.infer.upscale; tile="auto" is 256, and less where the device has no memory for that.

    Raises:
        ValueError: tile and overlap make no sense. OSError: a result cannot be stored, as on a full disk.
    """
    sides = _sides(tile, overlap, network.multiple_of)
    left = [(source, target) for source, target in files if overwrite or not target.exists()]
    result = Result(skipped=len(files) - len(left))
    progress = tqdm(left, unit="image")
    try:
        for source, target in progress:
            try:
                image = read(source)
            except (ValueError, OSError) as error:  # not beside write's: there, an OSError ends the job
                result.fail(str(error))
                continue
            try:
                write(target, _first_that_fits(sides, partial(enlarge, network, image, overlap=overlap, ensemble=ensemble)))
                result.written += 1
            except FloatingPointError as error:
                result.fail(f"{source}: {error}")
            except ValueError as error:
                result.fail(str(error))
    finally:
        progress.close()
        print(result)
    return result


def enlarge(network: nn.Module, image: Image, tile: int | None, *, overlap: int = 16, ensemble: bool = False) -> Image:
    """An image `network.scale` times as large, of the same depth; alpha by bicubic interpolation, gray stays gray.

    Raises:
        FloatingPointError: the network's output is not finite.
    """
    sr = upscale(network, to_tensor(image.pixels), tile=tile, overlap=overlap, ensemble=ensemble)
    if not torch.isfinite(sr).all():
        raise FloatingPointError("the network's output is NaN or infinite: its weights are broken, or the precision too low")
    if image.was_gray:
        sr = sr.mean(1, keepdim=True).expand_as(sr)
    dtype, alpha = image.pixels.dtype, image.alpha
    if alpha is not None:
        alpha = to_pixels(imresize(to_tensor(alpha), network.scale), dtype)[..., 0]
    return replace(image, pixels=to_pixels(sr, dtype), alpha=alpha)


def pick_device(name: str) -> torch.device:
    """auto is a CUDA GPU, else Apple's, else the CPU; other names as torch takes them. ValueError: it is not there."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError):
        raise ValueError(f"device={name} is not available: choose auto, cpu, cuda, cuda:1 ...") from None


def _sides(tile: int | Literal["auto"] | None, overlap: int, multiple: int) -> list[int | None]:
    """The tiles to try, each if the one before does not fit into memory."""
    if tile is None:
        return [None]
    if tile != "auto" and not (isinstance(tile, int) and tile > 0):
        raise ValueError(f"tile={tile}: choose auto, null (the whole image at once) or a number of LR pixels")
    sides = [side for side in AUTO_TILES if side >= 2 * overlap] or [AUTO_TILES[0]] if tile == "auto" else [tile]
    return [tiling(side, overlap, multiple)[0] for side in sides]


def _first_that_fits(sides: list[int | None], run: Callable[[int | None], Image]) -> Image:
    """Run with the first tile; one that does not fit into the device's memory is dropped, for the next images too."""
    while True:
        try:
            return run(sides[0])
        except torch.OutOfMemoryError:
            if len(sides) == 1:
                raise
        del sides[0]
