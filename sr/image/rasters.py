"""Which class reads a raster file. To add a format, write its class in a file of this folder and add it to `FORMATS`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from sr.errors import InputError
from sr.image.dicom import DICOM
from sr.image.geotiff import JP2, GeoTIFF
from sr.image.raster import Raster, extension
from sr.image.stack import TIFFStack
from sr.image.volume_slices import VolumeSlices, on_disk
from sr.image.writer import one_line

FORMATS: tuple[type[Raster], ...] = (
    GeoTIFF,
    JP2,
    TIFFStack,
    DICOM,
    VolumeSlices,
)
_IMAGES = [each for each in FORMATS if each is not VolumeSlices]  # a volume is many images: users say that they want its slices
EXTENSIONS = tuple(dict.fromkeys(ending for each in _IMAGES for ending in each.extensions))
WRITTEN = tuple(dict.fromkeys(ending for each in _IMAGES for ending in each.written))


def find(path: str | Path) -> type[Raster] | None:
    """The class that reads a file, from its name and first bytes; None: `sr.image.file` reads it, or reports it."""
    found = [each for each in FORMATS if extension(path) in each.extensions]
    if not found or not os.path.isfile(on_disk(path)):
        return None
    return next((each for each in found if each.claims(Path(path))), None)


def installed(format: type[Raster]) -> bool:
    """Whether the library of a format is installed."""
    return find_spec(format.library) is not None


def opened(path: str | Path) -> Raster | None:
    """The raster, open, for `with`; None as `find`.

    Raises:
        InputError: its library is missing, or it cannot be read; one line that names the file.
    """
    if (format := find(path)) is None:
        return None
    with opening(format, Path(path)):
        return format(Path(path))


@contextmanager
def opening(format: type[Raster], path: Path) -> Iterator[None]:
    """Turn a missing library, and any error of it, into one line that names the file."""
    if not installed(format):
        raise InputError(f'{path}: {format.name} files need {format.library}: pip install ".[{format.extra}]"')
    try:
        yield
    except InputError as error:
        raise error if str(error).startswith(f"{path}: ") else InputError(f"{path}: {error}") from None
    except Exception as error:
        raise InputError(f"{path}: cannot be read as {format.name} ({one_line(error)})") from None
