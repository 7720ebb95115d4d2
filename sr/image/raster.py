"""Rasters: image files with any number of bands, any type of samples, several planes, and metadata that results keep.

Such files (GeoTIFF, DICOM, NIfTI ...) are read by libraries of their fields. Each format is one file in this folder: a
subclass of `Raster`, named in `sr/image/rasters.py`, and the `StripWriter` that its method `writer` returns. Photographs are
read by `sr/image/file.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from sr.errors import InputError
from sr.image.writer import StripWriter, one_line


def extension(path: str | Path) -> str:
    """The extension in lower case; for volume.nii.gz both parts."""
    name = Path(path).name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else Path(name).suffix


class Raster(ABC):
    """An open file: `planes` pictures of one size, read by windows; only the header is read before.

    Planes are the frames of a DICOM file, the slices of a volume, the pages of a TIFF; bands are the values of a pixel. The
    constructor opens a path and sets the attributes. It may raise any error of its library: `sr.image.rasters.opened` makes
    it one line.

    Attributes:
        path: the file.
        shape: (H, W, C) of a plane; alpha and mask bands, which `valid` returns, are not counted.
        dtype: type of the samples that `read` returns, in physical units where the file defines them (Hounsfield).
        planes: number of planes.
        masked: whether some pixels may have no data.
        placed: whether its metadata give it a place or a size in the world, which a photograph would lose.
        full: the lowest and the highest sample that the file can hold, if they are not those of its type: 0 and 4095 for 12
            bits.
    """

    name: ClassVar[str]  # of the format, in messages
    extensions: ClassVar[tuple[str, ...]]  # of its files, in lower case
    written: ClassVar[tuple[str, ...]] = ()  # extensions that `writer` makes; a file of another one becomes the first of these
    library: ClassVar[str]  # the module that reads it
    extra: ClassVar[str]  # the optional dependencies of this project that contain the library: pip install ".[extra]"

    path: Path
    shape: tuple[int, int, int]
    dtype: np.dtype
    planes: int = 1
    masked: bool = False
    placed: bool = True
    full: tuple[float, float] | None = None

    @classmethod
    @abstractmethod
    def claims(cls, path: Path) -> bool:
        """Whether this class reads a file that has one of its `extensions`, from its first bytes, without the library.

        False for a photograph, which `sr.image.file` reads.
        """

    @abstractmethod
    def read(self, rows: slice, columns: slice, plane: int = 0) -> np.ndarray:
        """The samples (h, w, C) of a window of a plane, of `dtype`."""

    def valid(self, rows: slice, columns: slice, plane: int = 0) -> np.ndarray | None:
        """(h, w) bool, False where the window has no data; None: all of it has. Only asked if `masked`."""
        return None

    @abstractmethod
    def writer(self, path: Path, size: tuple[int, int, int]) -> StripWriter:
        """The writer of an enlarged file with the metadata of this one, at path, which has an extension of `written`.

        Another thread uses it while this file is read on, and after it is closed: it reads from this file what it needs now.

        Its `write` gets the rows of plane after plane from top to bottom, (h, W, C) of `dtype`, and their `valid`. It keeps
        the extent: the size of a pixel is divided by the ratio of the sizes.

        Args:
            size: planes, height and width of the result.
        """

    def at(self, percentiles: Sequence[float]) -> tuple[float, ...]:
        """The values at percentiles of all samples with data of the file; of a series, if it is a slice of one."""
        return at_percentiles([counted(self)], percentiles)

    @classmethod
    def beside(cls, path: Path) -> list[Path]:
        """The files that `at` may read for this one."""
        return [path]

    def not_kept(self) -> dict[str, str]:
        """What an enlarged file loses, in a few words -> what to say, as `sr.image.facts.Facts.not_kept`."""
        return {}

    def foreign(self, kind: str) -> str:
        """What the file says it is, if images of a kind of this name are something else; otherwise empty."""
        return ""

    def not_used(self, kind: str = "") -> list[str]:
        """What training with a kind of this name drops, as endings of a sentence, as `sr.image.facts.Facts.not_used`."""
        return ["have several planes; only the first is used"] if self.planes > 1 else []

    def close(self) -> None:  # noqa: B027  a file that is read as a whole has nothing to close
        """Close the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Window:
    """A plane as an array that is read by windows: `window[rows, columns]` is (h, w, C), 0 where there are no data.

    Raises:
        InputError: naming the file, if it is broken, or has NaN where there are data.
    """

    def __init__(self, raster: Raster, plane: int = 0) -> None:
        self.raster, self.plane, self.shape, self.dtype = raster, plane, raster.shape, raster.dtype

    def __getitem__(self, where: slice | tuple[slice, slice]) -> np.ndarray:
        rows, columns = _inside(where, self.shape)
        with naming(self.raster):
            samples = self.raster.read(rows, columns, self.plane)
            if self.raster.masked and (valid := self.raster.valid(rows, columns, self.plane)) is not None:
                samples = np.where(valid[..., None], samples, samples.dtype.type(0))
        if samples.dtype.kind == "f" and not np.isfinite(samples).all():
            raise InputError(f"{self.raster.path}: NaN or infinite samples: replace them, or set the nodata value of a GeoTIFF")
        return samples


class Valid:
    """Where a plane has data, read by windows: `valid[rows, columns]` is (h, w) uint8, 255 where it has and 0 where not."""

    dtype = np.dtype(np.uint8)

    def __init__(self, raster: Raster, plane: int = 0) -> None:
        self.raster, self.plane, self.shape = raster, plane, raster.shape[:2]

    def __getitem__(self, where: slice | tuple[slice, slice]) -> np.ndarray:
        rows, columns = _inside(where, self.shape)
        with naming(self.raster):
            valid = self.raster.valid(rows, columns, self.plane) if self.raster.masked else None
        if valid is None:
            return np.full((rows.stop - rows.start, columns.stop - columns.start), 255, np.uint8)
        return valid.astype(np.uint8) * 255


Counts = tuple[np.ndarray, np.ndarray]  # different values, ascending, and how often each occurs


def counted(raster: Raster) -> Counts:
    """The values of all samples with data."""
    parts = [(Window(raster, plane)[:, :], Valid(raster, plane)[:, :] > 0) for plane in range(raster.planes)]
    values = [np.unique(samples[valid], return_counts=True) for samples, valid in parts]
    return merged(values)


def merged(parts: Iterable[Counts]) -> Counts:
    """The counts of several parts together."""
    values, counts = (np.concatenate(each) for each in zip(*parts, strict=True))
    different, place = np.unique(values, return_inverse=True)
    return different, np.bincount(place.ravel(), counts, len(different)).astype(np.int64)


def at_percentiles(parts: Iterable[Counts], percentiles: Sequence[float]) -> tuple[float, ...]:
    """The values at percentiles, interpolated linearly as by NumPy's percentile. InputError: there are no values."""
    values, counts = merged(parts)
    if not len(values):
        raise InputError("no pixels with data")
    ends = np.cumsum(counts)
    ranks = np.asarray(percentiles, float) / 100 * (ends[-1] - 1)
    below, above = (values[np.searchsorted(ends, step(ranks), "right")].astype(float) for step in (np.floor, np.ceil))
    return tuple((below + (ranks - np.floor(ranks)) * (above - below)).tolist())


def check_spread(limits: tuple[float, float], percentiles: Sequence[float], source: Path) -> tuple[float, float]:
    """The values at percentiles of a file, themselves. InputError: they are one value, so there is nothing to see."""
    if not limits[0] < limits[1]:
        raise InputError(f"{source}: its values at percentiles {list(percentiles)} are both {limits[0]:g}: nothing to see")
    return limits


def ends(dtype: np.dtype) -> tuple[float, float]:
    """The lowest and the highest value of a type."""
    limits = np.iinfo(dtype) if dtype.kind in "ui" else np.finfo(dtype)
    return limits.min, limits.max


def spread(samples: np.ndarray, limits: tuple[float, float], range: tuple[float, float], dtype: str) -> np.ndarray:
    """Samples whose `limits` become the ends of `range`; integers are rounded half up and clipped to it."""
    (first, last), (low, high) = limits, range
    values = samples.astype(np.float32)
    values -= np.float32(first)
    values *= np.float32((high - low) / (last - first))
    values += np.float32(low)
    return (values if dtype == "float32" else np.clip(np.floor(values + 0.5), low, high)).astype(dtype)


@contextmanager
def naming(raster: Raster) -> Iterator[None]:
    """Turn an error of a library into one line that names the file."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        raise InputError(f"{raster.path}: cannot be read as {raster.name} ({one_line(error)})") from None


def _inside(where: slice | tuple[slice, slice], shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns with their limits inside the plane."""
    parts = where if isinstance(where, tuple) else (where, slice(None))
    return tuple(slice(*part.indices(length)[:2]) for part, length in zip(parts, shape, strict=False))
