"""DICOM: single slices and files of several frames, read as values in their unit, written with their geometry (pydicom).

pydicom is an optional dependency: pip install ".[medical]". So are the decoders of compressed files.
"""

import itertools
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from sr.errors import InputError
from sr.image.dicom_values import values_of
from sr.image.dicom_writer import DICOMWriter, lost
from sr.image.raster import Counts, Raster, at_percentiles, counted
from sr.image.writer import StripWriter
from sr.say import warn

EXTENSIONS = (".dcm", ".dicom", ".dic", ".ima")
MODALITIES = {
    "ct": ("CT",),
    "mri": ("MR",),
    "xray": ("CR", "DX", "IO", "MG", "PX", "RF", "RG", "XA"),
}  # kind -> those of its images: DICOM PS3.3, C.7.3.1.1.1
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT")  # read as RGB
_DECODERS = {"JPEG 2000": "pylibjpeg pylibjpeg-openjpeg", "JPEG": "pylibjpeg pylibjpeg-libjpeg"}
_COUNTING = Lock()  # images are decoded in threads, which need the same series


class DICOM(Raster):
    """A DICOM file; its planes are its frames. Values are those after rescale slope and intercept (Hounsfield for CT).

    White is high in every file, MONOCHROME1 too (`sr.image.dicom_values`). Pixels with PixelPaddingValue have no data. A
    modality lookup table and windows are not applied. Percentiles are those of the series: of all DICOM files in the folder
    that have the same SeriesInstanceUID.
    """

    name = "DICOM"
    extensions = written = EXTENSIONS
    library, extra = "pydicom", "medical"

    @classmethod
    def claims(cls, path: Path) -> bool:
        return True

    def __init__(self, path: Path) -> None:
        self.path, self.header = Path(path), header(path)
        if "Rows" not in self.header or "Columns" not in self.header:
            raise InputError(f"no pixels in it ({self.header.get('Modality', 'of unknown modality')})")
        if "TotalPixelMatrixColumns" in self.header:
            raise InputError("a whole slide image, whose frames are tiles: save them as TIFF first")
        colours = self.header.get("PhotometricInterpretation")
        if colours not in ("MONOCHROME1", "MONOCHROME2", *_COLOURS):
            raise InputError(f"colours of type {colours}: convert it to RGB first")
        self.planes = int(self.header.get("NumberOfFrames") or 1)
        self.values = values_of(self.header, self.planes)
        self.dtype, self.full, self.masked = self.values.dtype, self.values.full, self.values.padding is not None
        self.shape = (int(self.header.Rows), int(self.header.Columns), 3 if colours in _COLOURS else 1)
        self._frame: tuple[int, Any] = (-1, None)
        _check_decoder(self.header.file_meta.TransferSyntaxUID)

    def read(self, rows: slice, columns: slice, plane: int = 0) -> np.ndarray:
        return self.values.decoded(self._samples(plane)[rows, columns], plane)

    def valid(self, rows: slice, columns: slice, plane: int = 0) -> np.ndarray | None:
        return ~self.values.padded(self._samples(plane)[rows, columns])

    def writer(self, path: Path, size: tuple[int, int, int]) -> StripWriter:
        return DICOMWriter(path, self, size)

    def at(self, percentiles: Sequence[float]) -> tuple[float, ...]:
        series = self.header.get("SeriesInstanceUID")
        same = [file for file in self.beside(self.path) if series and file != self.path and _series(*_stamp(file)) == series]
        with _COUNTING:
            return _at(tuple(map(_stamp, sorted([self.path, *same]))), tuple(percentiles))

    @classmethod
    def beside(cls, path: Path) -> list[Path]:
        return sorted(file for file in Path(path).parent.iterdir() if file.suffix.lower() in EXTENSIONS and file.is_file())

    def not_kept(self) -> dict[str, str]:
        return lost(self.header)

    def foreign(self, kind: str) -> str:
        found = str(self.header.get("Modality") or "")
        return "" if found in MODALITIES.get(kind, (found,)) else found

    def not_used(self, kind: str = "") -> list[str]:
        found, other = super().not_used(kind), self.foreign(kind)
        found += [f"are of modality {other}, which is not that of image={kind}"] if other else []
        return found + (["have a modality lookup table, which is not applied"] if "ModalityLUTSequence" in self.header else [])

    def _samples(self, plane: int) -> np.ndarray:
        """The samples (H, W, C) of a frame as they are stored; the last one is kept."""
        if self._frame[0] != plane:
            from pydicom.pixels import pixel_array

            with _quiet():
                samples = pixel_array(self._source(), index=plane)
            self._frame = (plane, samples.reshape(self.shape))
        return self._frame[1]

    def _source(self) -> Any:
        """What pydicom decodes frames from: the path, or the whole file where it is deflated."""
        import pydicom

        return pydicom.dcmread(self.path) if self.header.file_meta.TransferSyntaxUID.is_deflated else self.path


def header(path: str | Path) -> Any:
    """pydicom's Dataset of a file without its pixels. InputError: it is no DICOM file; other errors are pydicom's."""
    import pydicom

    # It checks values when they are read, and warns and logs them: headers of patients do not belong on a screen. What cannot
    # be decoded it logs with a traceback, and raises, too.
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    with open(path, "rb") as file:
        if file.read(132)[128:] != b"DICM":
            raise InputError("not a DICOM file: it has no DICM at byte 128; move it elsewhere, or replace it")
    with _quiet():
        return pydicom.dcmread(path, stop_before_pixels=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """pydicom warns about every odd value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _check_decoder(syntax: Any) -> None:
    """InputError: nothing that is installed decodes a transfer syntax; it names the package."""
    from pydicom.pixels import get_decoder

    try:
        if get_decoder(syntax).is_available:
            return
    except NotImplementedError:
        raise InputError(f"compressed as {syntax.name}, which pydicom does not decode: convert it first") from None
    package = next((package for name, package in _DECODERS.items() if name in syntax.name), None)
    need = f"needs {package.split()[-1]}: pip install {package}" if package else "has no decoder: convert it first"
    raise InputError(f"compressed as {syntax.name}, which {need}")


def _stamp(file: Path) -> tuple[str, int, int]:
    found = os.stat(file)
    return str(file), found.st_size, found.st_mtime_ns


@lru_cache(4096)
def _series(file: str, size: int, modified: int) -> str | None:
    """The SeriesInstanceUID of a file that did not change; None: it cannot be read."""
    try:
        return header(file).get("SeriesInstanceUID")
    except Exception:  # another file of the folder, which is reported when it is read
        return None


@lru_cache(64)
def _at(files: tuple[tuple[str, int, int], ...], percentiles: tuple[float, ...]) -> tuple[float, ...]:
    warn(f"{Path(files[0][0]).parent}: percentiles are those of all slices of one series in the folder ({len(files)})")
    return at_percentiles([_counts(*file) for file in files], percentiles)


@lru_cache(1024)
def _counts(file: str, size: int, modified: int) -> Counts:
    with DICOM(Path(file)) as raster:
        return counted(raster)


def unnamed(folder: Path) -> str:
    """The end of an error about a folder without images: whether the first files in it are DICOM without the extension."""
    others = (file for file in sorted(folder.rglob("*")) if file.is_file() and file.suffix.lower() not in EXTENSIONS)
    for file in itertools.islice(others, 20):
        with file.open("rb") as opened:
            if opened.read(132)[128:] == b"DICM":
                return f"; {file.name} is a DICOM file: add .dcm to the names of such files"
    return ""
