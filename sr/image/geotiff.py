"""GeoTIFF and JPEG 2000 with georeference: read by windows, written with coordinates, nodata, band names and tags (rasterio).

rasterio is an optional dependency (`pip install ".[satellite]"`). Without it, georeferenced photographs are still read by
`sr/image/file.py`, which reports the lost georeference.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import TiffImagePlugin as Tiff
from PIL.Image import Exif

from sr.errors import InputError
from sr.image import tiff
from sr.image.gdal import quiet, reading, window
from sr.image.geotiff_writer import LOSSLESS, GeoTIFFWriter
from sr.image.raster import Raster
from sr.image.writer import StripWriter

# GeoTIFF 1.1 (OGC 19-008): pixel scale, tie points, transform, key directory. GDAL's tags: metadata, nodata.
_GEO = (33550, 33922, 34264, 34735)
_GDAL_NODATA = 42113
_GEOJP2 = bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03")  # identifier of the box with a GeoTIFF in JPEG 2000


def photographic(found: Exif) -> bool:
    """Whether `sr.image.file` reads all of a TIFF with these tags: gray or RGB of 8 or 16 bits, with or without alpha."""
    extra = tiff.many(found.get(Tiff.EXTRASAMPLES))
    alpha = bool(extra) and extra[-1] in (1, 2)
    bands, colours = found.get(Tiff.SAMPLESPERPIXEL, 1) - alpha, found.get(Tiff.PHOTOMETRIC_INTERPRETATION)
    return tiff.plain(found) and (bands == 1 if colours in (0, 1) else bands == 3 or colours not in (2, None))


class GeoTIFF(Raster):
    """A GeoTIFF: bands (H, W, C) of its type; pixels without data are those of its nodata value, mask or alpha band.

    A nodata value marks a pixel if all bands have it; if it is another value than 0, or the samples are signed or floats, one
    band is enough: a dark band is no hole, and -9999 is never a measurement.
    """

    name = "GeoTIFF"
    extensions = (".tif", ".tiff", ".gtiff")
    written = (".tif", ".tiff")
    library, extra = "rasterio", "satellite"
    driver = "GTiff"  # of GDAL

    @classmethod
    def claims(cls, path: Path) -> bool:
        if (known := tiff.described(path)) is None:
            return False
        found, _ = known
        bits = min(tiff.many(found.get(Tiff.BITSPERSAMPLE)), default=1)
        if not any(tag in found for tag in (*_GEO, _GDAL_NODATA)) or bits < 8:
            return False
        if found.get(Tiff.PHOTOMETRIC_INTERPRETATION) in (0, 3):
            return False  # 0 is white; or a palette, whose values are names, not measurements
        return not photographic(found) or find_spec(cls.library) is not None

    def __init__(self, path: Path) -> None:
        import rasterio
        from rasterio.enums import ColorInterp, MaskFlags

        self.path = Path(path)
        with quiet():
            self.file = rasterio.open(path, driver=self.driver)
        # GDAL calls any fourth band alpha; one that has a name (B08) is a measurement.
        pairs = zip(self.file.indexes, self.file.colorinterp, self.file.descriptions, strict=True)
        alpha = [n for n, colour, name in pairs if colour == ColorInterp.alpha and not name]
        self.bands, self.alpha = [n for n in self.file.indexes if n not in alpha], next(iter(alpha), None)
        types = {self.file.dtypes[n - 1] for n in self.bands}
        if len(types) != 1 or np.dtype(*types).kind not in "uif":
            raise InputError(f"its bands are {', '.join(sorted(types))}: only real numbers of one type can be read")
        self.dtype = np.dtype(types.pop())
        self.shape = (self.file.height, self.file.width, len(self.bands))
        flags = {flag for n in self.bands for flag in self.file.mask_flag_enums[n - 1]}
        mask = MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags
        self.masked = mask or self.alpha is not None or self.file.nodata is not None

    def read(self, rows: slice, columns: slice, plane: int = 0) -> np.ndarray:
        with reading(self.path):
            return np.moveaxis(self.file.read(self.bands, window=window(rows, columns)), 0, -1)

    def valid(self, rows: slice, columns: slice, plane: int = 0) -> np.ndarray | None:
        nodata = self.file.nodata
        if self.alpha is None and nodata is not None:
            samples = self.read(rows, columns)
            none = np.isnan(samples) if np.isnan(nodata) else samples == nodata
            return ~(none.any(axis=2) if nodata != 0 or self.dtype.kind != "u" else none.all(axis=2))
        with reading(self.path):
            where = window(rows, columns)
            return (self.file.read(self.alpha, window=where) if self.alpha else self.file.dataset_mask(window=where)) > 0

    def writer(self, path: Path, size: tuple[int, int, int]) -> StripWriter:
        return GeoTIFFWriter(path, self, size[1:])

    def not_kept(self) -> dict[str, str]:
        said, compression = {}, self.compression
        if compression not in (*LOSSLESS, None):
            said["compression"] = f"its compression ({compression}) becomes deflate, which loses nothing"
        if any(self.file.overviews(n) for n in self.bands):
            said["overviews"] = "its overviews are not kept: gdaladdo makes them again"
        if self.alpha and self._translucent():
            said["alpha"] = "its partly transparent pixels become opaque: alpha only says where there are data"
        if self.file.subdatasets:
            said["further pages"] = f"only the first of its {len(self.file.subdatasets)} pages is upscaled"
        return said

    def _translucent(self) -> bool:
        """Whether alpha has values between 0 and its maximum."""
        full = np.iinfo(self.dtype).max if self.dtype.kind in "ui" else 1
        height, width = self.shape[:2]
        with reading(self.path):
            for top in range(0, height, 256):
                where = window(slice(top, min(top + 256, height)), slice(0, width))
                alpha = self.file.read(self.alpha, window=where)
                if ((alpha > 0) & (alpha < full)).any():
                    return True
        return False

    @property
    def compression(self) -> str | None:
        """The compression of the file, in lower case; None without one."""
        found = self.file.compression
        return found.value.lower() if found else None

    def close(self) -> None:
        self.file.close()


class JP2(GeoTIFF):
    """JPEG 2000 with georeference; results are GeoTIFF, because GDAL writes JPEG 2000 only as a whole."""

    name = "JPEG 2000"
    extensions = (".jp2", ".j2k", ".jpx")
    driver = "JP2OpenJPEG"

    @classmethod
    def claims(cls, path: Path) -> bool:
        with open(path, "rb") as file:
            head = file.read(2**16)
        marked = b"gml.root-instance" in head or _GEOJP2 in head
        return marked and find_spec(cls.library) is not None
