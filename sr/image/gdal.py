"""GDAL through rasterio: its settings, windows and errors. Only for `sr/image/geotiff.py` and `sr/image/geotiff_writer.py`."""

import errno
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

CACHE = 128 * 2**20  # bytes of decoded blocks: a row of tiles of a scene of 10,980 pixels and four bands needs 20 MB


def window(rows: slice, columns: slice) -> Any:
    from rasterio.windows import Window

    return Window(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)


@contextmanager
def storing() -> Iterator[None]:
    """Turn GDAL's failure to write to an open file into an error of the system; GDAL does not say which one."""
    from rasterio.errors import RasterioError

    try:
        yield
    except RasterioError as error:
        raise OSError(errno.EIO, "GDAL could not write (is the disk full?)") from error


def settings() -> Any:
    """GDAL's settings."""
    import rasterio

    return rasterio.Env(GDAL_CACHEMAX=CACHE, GDAL_TIFF_INTERNAL_MASK=True)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """GDAL's settings while an open file is read. After a failure the last error of this thread is cleared: rasterio would
    raise it again for the next file."""
    try:
        with settings():
            yield
    except Exception:
        with suppress(Exception), settings():
            _open(path)
        raise


def _open(path: Path) -> None:
    """Opening a file, even one that does not exist, clears GDAL's last error."""
    import rasterio

    rasterio.open(path).close()


@contextmanager
def quiet() -> Iterator[None]:
    """GDAL's settings, without warnings about images without georeference. Not where another thread may do so meanwhile."""
    with settings(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
