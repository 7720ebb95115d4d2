"""Volumes (NIfTI, MGH, NRRD, MetaImage) as stacks of slices across D, for networks for pictures; see sr/image/volume.py.

A slice alone is a file of the volume's name: `brain.nii.gz/0042.slice` is the slice of index 42 of brain.nii.gz.
"""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np

from sr.functional.axes import text
from sr.image.raster import Raster, extension
from sr.image.volume import READERS, Volume, read_volume, save_volume
from sr.image.writer import StripWriter
from sr.say import warn

EXTENSIONS = tuple(READERS)
SLICE = ".slice"
_READING = Lock()  # images are decoded in threads, which need the same volume


def on_disk(path: str | Path) -> Path:
    """The file that has an image: the volume of a slice, otherwise the path itself."""
    path = Path(path)
    return path.parent if extension(path) == SLICE and extension(path.parent) in EXTENSIONS else path


def slices(path: Path) -> tuple[list[Path], float]:
    """The names of all slices of a volume, and the distance between two of them: mm, or 1 where the file does not say.

    Raises:
        InputError: as `read_volume`.
    """
    volume = _opened(path)
    names = [path / f"{index:04d}{SLICE}" for index in range(len(volume.voxels))]
    return names, 1.0 if volume.spacing is None else volume.spacing[0]


class VolumeSlices(Raster):
    """The slices of a volume across D, or one of them, as values: slope and intercept are applied. Percentiles are those of the
    volume. A result keeps the geometry: its affine is scaled along H and W."""

    name = "volume"
    extensions, written = (*EXTENSIONS, SLICE), EXTENSIONS
    library, extra = "numpy", "medical"  # the volume's reader names the library that a format needs

    @classmethod
    def claims(cls, path: Path) -> bool:
        return True

    def __init__(self, path: Path) -> None:
        self.path, self.file = Path(path), on_disk(path)
        self.volume = _opened(self.file)
        planes, height, width = self.volume.voxels.shape
        self.first, self.planes = (0, planes) if self.file == self.path else (int(self.path.stem), 1)
        self.shape, self.dtype, self.written = (height, width, 1), _dtype(self.volume), (extension(self.file),)

    def read(self, rows: slice, columns: slice, plane: int = 0) -> np.ndarray:
        voxels = self.volume.voxels[self.first + plane, rows, columns]
        if (self.volume.slope, self.volume.inter) != (1.0, 0.0):
            voxels = voxels * self.volume.slope + self.volume.inter
        return np.ascontiguousarray(voxels[..., None], self.dtype)

    def at(self, percentiles: Sequence[float]) -> tuple[float, ...]:
        with _READING:
            return _at(*_stamp(self.file), tuple(percentiles))

    @classmethod
    def beside(cls, path: Path) -> list[Path]:
        return [on_disk(path)]

    def writer(self, path: Path, size: tuple[int, int, int]) -> StripWriter:
        shape = text(self.volume.voxels.shape)
        warn(f"{self.path}: {shape} voxels are enlarged slice by slice, across the file's axis {self.volume.axes[0]}")
        return VolumeWriter(path, self.volume, size)


class VolumeWriter(StripWriter):
    """The enlarged slices of a volume as a volume of the same format and type, in memory until it is complete.

    Args:
        path: of the result.
        source: the volume that was enlarged.
        size: of the result.
    """

    def __init__(self, path: Path, source: Volume, size: tuple[int, int, int]) -> None:
        super().__init__(path, size[0] * size[1])
        self.source, self.size = source, size
        self._factors = tuple(new / old for new, old in zip(size, source.voxels.shape, strict=True))

    def begin(self, temporary: Path) -> None:
        self._voxels = np.empty((self.size[0] * self.size[1], self.size[2]), self.source.voxels.dtype)

    def add(self, samples: np.ndarray, valid: np.ndarray | None) -> None:
        self._voxels[self._done : self._done + len(samples)] = self.source.stored(samples[..., 0])

    def end(self) -> None:
        save_volume(self._temporary, extension(self.path), self._voxels.reshape(self.size), self.source, self._factors)

    def drop(self) -> None:
        self._voxels = None


def _dtype(volume: Volume) -> np.dtype:
    """The type of a volume's values: whole numbers stay whole."""
    stored, scaling = volume.voxels.dtype, (volume.slope, volume.inter)
    if stored.kind == "f" or any(value != int(value) for value in scaling):
        return np.dtype(np.float32)
    return stored.newbyteorder("=") if scaling == (1.0, 0.0) else np.dtype(np.int32 if stored.itemsize < 4 else np.float32)


def _stamp(file: Path) -> tuple[str, int, int]:
    found = os.stat(file)
    return str(file), found.st_size, found.st_mtime_ns


def _opened(file: Path) -> Volume:
    with _READING:
        return _volume(*_stamp(file))


@lru_cache(2)  # whole volumes are in memory; the slices of one are read one after the other
def _volume(file: str, size: int, modified: int) -> Volume:
    return read_volume(file)


@lru_cache(1024)
def _at(file: str, size: int, modified: int, percentiles: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(np.percentile(_volume(file, size, modified).values(), percentiles).tolist())
