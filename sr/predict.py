"""Enlarge image files: which file becomes which, then one after the other, going on after a broken one or a stop."""

import glob
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from torch import nn
from tqdm import tqdm

from sr.image import EXTENSIONS, Image, list_images, read, to_pixels, to_tensor, write
from sr.infer import upscale
from sr.resize import imresize

AUTO_TILE = 256  # LR pixels; less than 2 GB for networks of 64 features
SMALLEST_TILE = 64  # below, most of the work would be overlap


@dataclass
class Result:
    """How many files were written, were there already, could not be read or written."""

    written: int = 0
    skipped: int = 0
    failed: int = 0

    def __str__(self) -> str:
        return f"{self.written} written, {self.skipped} skipped (already there), {self.failed} failed"


def plan(
    source: str | Path, target: str | Path, *, format: str | None = None, suffix: str = ""
) -> list[tuple[Path, Path]]:
    """Pairs (input file, output file) for a file, a folder (its sub-folders are kept) or a glob pattern.

    Args:
        source: file, folder or pattern. Images that lie under `target` are left out: they are results.
        target: folder; for a single file also the name of a file.
        format: extension of the results (png, jpg, ...); None: that of the input.
        suffix: added to the names, such as _x4.

    Raises:
        FileNotFoundError: nothing to enlarge.
        ValueError: a format that cannot be written; results that would replace an input or each other.
    """
    if format is not None and f".{format}" not in EXTENSIONS:
        raise ValueError(f"format={format}: choose one of {', '.join(e[1:] for e in EXTENSIONS)}, or null for the input's")
    if Path(suffix).name != suffix:
        raise ValueError(f"suffix={suffix}: it is part of a file's name and cannot hold a folder")
    source, target = Path(source), Path(target)
    if source.is_file() and target.suffix.lower() in EXTENSIONS and not target.is_dir():
        if suffix or format not in (None, target.suffix.lower()[1:]):
            raise ValueError(f"output={target} names the file already: leave format and suffix out, or name a folder")
        return _checked([(source, target)])
    base, files = _find(source, target)
    if not files:
        raise FileNotFoundError(f"{source}: no such file, or no images there ({', '.join(EXTENSIONS)})")
    if target.is_file():
        raise ValueError(f"output={target} is a file: name a folder")
    names = [file.relative_to(base).with_name(file.stem + suffix + (f".{format}" if format else file.suffix)) for file in files]
    return _checked([(file, target / name) for file, name in zip(files, names, strict=True)])


def _find(source: Path, target: Path) -> tuple[Path, list[Path]]:
    """The folder that results are laid out like, and the files."""
    if source.is_file():
        return source.parent, [source]
    if source.is_dir():
        base, files = source, list_images(source)
    else:
        fixed = next((i for i, part in enumerate(source.parts) if glob.has_magic(part)), len(source.parts))
        base = Path(*source.parts[:fixed])
        matches = [Path(match) for match in sorted(glob.glob(str(source), recursive=True))]
        files = [path for path in matches if path.is_file() and path.suffix.lower() in (*EXTENSIONS, ".gif")]
    if target.resolve() == base.resolve():
        raise ValueError(f"output={target} is the folder of the input: name another one")
    return base, [file for file in files if target.resolve() not in file.resolve().parents]


def _checked(pairs: list[tuple[Path, Path]]) -> list[tuple[Path, Path]]:
    inputs = {os.path.realpath(source) for source, _ in pairs}
    sources: dict[str, Path] = {}
    for source, target in pairs:
        if target.suffix.lower() not in EXTENSIONS:
            raise ValueError(f"{source}: {target.suffix or 'a file without extension'} cannot be written: say format=png")
        real = os.path.normcase(os.path.realpath(target))
        if real in inputs:
            raise ValueError(f"{source}: its result {target} would replace an input: choose another output or a suffix")
        if real in sources:
            raise ValueError(f"{sources[real]} and {source} would both become {target}: choose format=null or another input")
        sources[real] = source
    return pairs


def predict_files(
    network: nn.Module,
    files: Sequence[tuple[Path, Path]],
    *,
    tile: int | Literal["auto"] | None = "auto",
    overlap: int = 16,
    ensemble: bool = False,
    overwrite: bool = False,
) -> Result:
    """Enlarge each input file into its output file; a file that fails costs one line on stderr, not the job.

    Each result appears whole or not at all, and results that are there are skipped unless `overwrite`: a job that was
    stopped goes on where it was. tile="auto": 256, halved down to 64 while the device's memory does not suffice.

    Raises:
        ValueError: tile or overlap make no sense. OSError: a result cannot be stored, as on a full disk.
    """
    if tile not in ("auto", None) and not (isinstance(tile, int) and tile > 0):
        raise ValueError(f"tile={tile}: choose auto, null (no tiles) or a number of LR pixels")
    left = [(source, target) for source, target in files if overwrite or not target.exists()]
    result = Result(skipped=len(files) - len(left))
    side = AUTO_TILE if tile == "auto" else tile
    progress = tqdm(left, unit="image")
    try:
        for source, target in progress:
            try:
                image = read(source)
            except (ValueError, OSError) as error:
                result.failed += 1
                tqdm.write(str(error), file=sys.stderr)
                continue
            while True:
                try:
                    enlarged = enlarge(network, image, tile=side, overlap=overlap, ensemble=ensemble)
                    break
                except torch.OutOfMemoryError:
                    if tile != "auto" or side // 2 < max(SMALLEST_TILE, 2 * overlap):
                        raise
                    side //= 2
            try:
                if enlarged is None:
                    raise ValueError(f"{source}: the network's output is not finite (NaN or infinite)")
                write(target, enlarged)
                result.written += 1
            except ValueError as error:
                result.failed += 1
                tqdm.write(str(error), file=sys.stderr)
    finally:
        progress.close()
        print(result)
    return result
