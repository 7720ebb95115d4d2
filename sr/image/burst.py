"""Bursts on disk: a folder of frames, read in the order of their names; the first one is the reference."""

import os
from pathlib import Path

import numpy as np

from sr.errors import InputError, MissingError
from sr.image import formats
from sr.image.kind import Kind


def frame_files(folder: Path) -> list[Path]:
    """The frames of a folder, without those of its sub-folders, in the order of their names."""
    _, _, names = next(os.walk(folder), (None, None, ()))
    return sorted(folder / name for name in names if formats.is_read(name) and not name.startswith("."))


def found(path: str | Path, key: str = "input") -> list[Path]:
    """The bursts of a folder: itself and its sub-folders, as far as they have images, in order.

    Raises:
        MissingError: there are none.
    """
    root = Path(path).expanduser()
    folders = [Path(name) for name, _, _ in os.walk(root)] if root.is_dir() else []
    bursts = sorted(folder for folder in folders if frame_files(folder))
    if not bursts:
        raise MissingError(f"{key}: no bursts in {root}: a burst is a folder of images")
    return bursts


def read(folder: Path, kind: Kind, frames: int | None = None) -> np.ndarray:
    """(T, H, W, C) of the kind's stored type; at most `frames` of them, the first ones.

    Raises:
        InputError: a frame cannot be read, or has another size than the first; no frames.
    """
    made = []
    for file in frame_files(folder)[:frames]:
        pixels = kind.read(file)
        if made and pixels.shape != made[0].shape:
            (height, width), (h, w) = pixels.shape[:2], made[0].shape[:2]
            raise InputError(
                f"{file}: {width}x{height} pixels, but the first frame has {w}x{h}: frames of a burst have one size"
            )
        made.append(pixels)
    if not made:
        raise InputError(f"{folder}: no frames: a burst is a folder of images")
    return np.stack(made)
