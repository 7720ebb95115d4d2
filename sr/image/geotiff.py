"""GeoTIFF and JPEG 2000 with georeference: read by windows, written with coordinates, nodata, band names and tags (rasterio).

rasterio is an optional dependency (`pip install ".[satellite]"`). Without it, georeferenced photographs are still read by
`sr/image/file.py`, which reports the lost georeference.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import TiffImagePlugin as Tiff
from PIL.Image import Exif

from sr.errors import InputError
from sr.image import tiff
from sr.image.raster import Raster
from sr.image.writer import StripWriter

CACHE = 128 * 2**20  # bytes of decoded blocks: a row of tiles of a scene of 10,980 pixels and four bands needs 20 MB
# GeoTIFF 1.1 (OGC 19-008): pixel scale, tie points, transform, key directory. GDAL's tags: metadata, nodata.
_GEO = (33550, 33922, 34264, 34735)
_GDAL_NODATA = 42113
_GEOJP2 = bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03")  # identifier of the box with a GeoTIFF in JPEG 2000
_PREDICTED = ("deflate", "lzw", "zstd", "lerc_deflate", "lerc_zstd")  # compressions with a predictor
_KEPT = ("deflate", "lzw", "zstd", "packbits", "lzma")  # lossless; others become deflate


def photographic(found: Exif) -> bool:
    """Whether `sr.image.file` reads all of a TIFF with these tags: gray or RGB of 8 or 16 bits, with or without alpha."""
    extra = tiff.many(found.get(Tiff.EXTRASAMPLES))
    alpha = bool(extra) and extra[-1] in (1, 2)
    bands, colours = found.get(Tiff.SAMPLESPERPIXEL, 1) - alpha, found.get(Tiff.PHOTOMETRIC_INTERPRETATION)
    whole = set(tiff.many(found.get(Tiff.SAMPLEFORMAT))) <= {1}
    shallow = max(tiff.many(found.get(Tiff.BITSPERSAMPLE)), default=1) <= 16
    return whole and shallow and (bands == 1 if colours in (0, 1) else bands == 3 or colours not in (2, None))


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
        with open(path, "rb") as file:
            if not tiff.is_tiff(file):
                return False
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    found = tiff.tags(file)
            except Exception:  # a broken file, which its reader reports
                return False
        if not any(tag in found for tag in (*_GEO, _GDAL_NODATA)) or found.get(Tiff.PHOTOMETRIC_INTERPRETATION) == 3:
            return False  # the values of a palette are names, not measurements
        return not photographic(found) or find_spec(cls.library) is not None

    def __init__(self, path: Path) -> None:
        import rasterio
        from rasterio.enums import ColorInterp, MaskFlags

        self.path = Path(path)
        with _quiet():
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
        with _quiet():
            return np.moveaxis(self.file.read(self.bands, window=_window(rows, columns)), 0, -1)

    def valid(self, rows: slice, columns: slice, plane: int = 0) -> np.ndarray | None:
        nodata = self.file.nodata
        if self.alpha is None and nodata is not None:
            samples = self.read(rows, columns)
            none = np.isnan(samples) if np.isnan(nodata) else samples == nodata
            return ~(none.any(axis=2) if nodata != 0 or self.dtype.kind != "u" else none.all(axis=2))
        with _quiet():
            window = _window(rows, columns)
            return (self.file.read(self.alpha, window=window) if self.alpha else self.file.dataset_mask(window=window)) > 0

    def writer(self, path: Path, size: tuple[int, int, int]) -> StripWriter:
        return GeoTIFFWriter(path, self, size[1:])

    def not_kept(self) -> dict[str, str]:
        said, compression = {}, self.compression
        if compression not in (*_KEPT, None):
            said["compression"] = f"its compression ({compression}) becomes deflate, which loses nothing"
        if any(self.file.overviews(n) for n in self.bands):
            said["overviews"] = "its overviews are not kept: gdaladdo makes them again"
        if self.file.subdatasets:
            said["further pages"] = f"only the first of its {len(self.file.subdatasets)} pages is upscaled"
        return said

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


class GeoTIFFWriter(StripWriter):
    """An enlarged GeoTIFF with the coordinate system, extent, type, nodata, band names, tags and compression of another.

    Args:
        path: of the result.
        source: the file that was enlarged.
        size: height and width of the result.
    """

    def __init__(self, path: Path, source: GeoTIFF, size: tuple[int, int]) -> None:
        super().__init__(path, size[0])
        self.size, self.bands, self.alpha = size, source.bands, source.alpha
        self.ratio = (size[0] / source.shape[0], size[1] / source.shape[1])  # rows, columns
        self.nodata, self.mask = source.file.nodata, source.masked and source.alpha is None and source.file.nodata is None
        # All of the source is read here: another thread writes, while the network reads on.
        self._profile, self._described = _profile(source, size), _described(source, self.ratio)
        self._tags = [source.file.tags(), *(_without_statistics(source.file.tags(n)) for n in source.file.indexes)]
        self._file: Any = None
        self._block, self._rows = 1, 0
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []

    def begin(self, temporary: Path) -> None:
        import rasterio

        with _quiet():
            self._file = rasterio.open(temporary, "w", **self._profile)
            for name, value in self._described.items():
                setattr(self._file, name, value)
            for band, tags in enumerate(self._tags):
                self._file.update_tags(band, **tags)
        self._block = self._file.block_shapes[0][0] if self._file.profile["tiled"] else 1

    def add(self, samples: np.ndarray, valid: np.ndarray | None) -> None:
        """Blocks of the file are written once, when all of their rows are there."""
        self._waiting.append((samples, np.ones(samples.shape[:2], bool) if valid is None else valid))
        rows = sum(len(each) for each, _ in self._waiting)
        last = self._rows + rows == self.size[0]
        if rows < self._block and not last:
            return
        samples, valid = (np.concatenate(parts) for parts in zip(*self._waiting, strict=True))
        whole = rows if last else rows // self._block * self._block
        self._store(samples[:whole], valid[:whole])
        self._waiting = [] if whole == rows else [(samples[whole:].copy(), valid[whole:].copy())]

    def end(self) -> None:
        self._file.close()

    drop = end

    def _store(self, samples: np.ndarray, valid: np.ndarray) -> None:
        where = _window(slice(self._rows, self._rows + len(samples)), slice(0, self.size[1]))
        with _quiet():
            self._file.write(np.moveaxis(_marked(samples, valid, self.nodata), -1, 0), self.bands, window=where)
            if self.alpha:
                full = np.iinfo(samples.dtype).max if samples.dtype.kind in "ui" else 1
                self._file.write((valid * full).astype(samples.dtype), self.alpha, window=where)
            elif self.mask:
                self._file.write_mask(valid, window=where)
        self._rows += len(samples)


def _profile(source: GeoTIFF, size: tuple[int, int]) -> dict[str, Any]:
    """What GDAL needs to create the file."""
    from rasterio import Affine

    of, compression, (height, width) = source.file, source.compression, source.shape[:2]
    made = {"driver": "GTiff", "height": size[0], "width": size[1], "count": of.count, "dtype": source.dtype.name}
    made |= {"crs": of.crs, "nodata": of.nodata, "BIGTIFF": "IF_SAFER"}
    if not of.transform.is_identity:
        (a, b, c, d, e, f), x, y = of.transform[:6], width / size[1], height / size[0]
        made["transform"] = Affine(a * x, b * y, c, d * x, e * y, f)
    if compression:
        made["compress"] = compression if compression in _KEPT else "deflate"
        if made["compress"] in _PREDICTED:
            made["predictor"] = 3 if source.dtype.kind == "f" else 2
    if of.profile.get("tiled"):
        made |= {"tiled": True, "blockysize": of.block_shapes[0][0], "blockxsize": of.block_shapes[0][1]}
    if source.alpha:
        made["ALPHA"] = "YES"
    return made | {"interleave": str(of.profile.get("interleave", "pixel"))}


def _described(source: GeoTIFF, ratio: tuple[float, float]) -> dict[str, Any]:
    """Names, units and colours of the bands; control points and rational polynomials on the new grid."""
    of = source.file
    names = ("colorinterp", "descriptions", "units", "scales", "offsets")
    made = {name: getattr(of, name) for name in names}
    points, system = of.gcps
    if points:
        for point in points:
            point.row, point.col = point.row * ratio[0], point.col * ratio[1]
        made["gcps"] = (points, system)
    if polynomials := of.rpcs:
        for axis, factor in (("line", ratio[0]), ("samp", ratio[1])):
            offset = getattr(polynomials, f"{axis}_off")  # of the centre of a pixel: the first one has 0
            setattr(polynomials, f"{axis}_off", (offset + 0.5) * factor - 0.5)
            setattr(polynomials, f"{axis}_scale", getattr(polynomials, f"{axis}_scale") * factor)
        made["rpcs"] = polynomials
    return made


def _without_statistics(tags: dict[str, str]) -> dict[str, str]:
    """Tags without the minimum, mean ... of the source."""
    return {key: value for key, value in tags.items() if not key.startswith("STATISTICS_")}


def _marked(samples: np.ndarray, valid: np.ndarray, nodata: float | None) -> np.ndarray:
    """Samples with nodata where they are not valid; valid ones that equal it take the next value."""
    if nodata is None:
        return samples
    if not np.isnan(nodata):
        taken = samples == samples.dtype.type(nodata)
        if taken.any():
            if samples.dtype.kind == "f":
                beside = np.nextafter(samples.dtype.type(nodata), samples.dtype.type(0) if nodata else samples.dtype.type(1))
            else:
                beside = int(nodata) + (1 if nodata < np.iinfo(samples.dtype).max else -1)
            samples = np.where(taken, samples.dtype.type(beside), samples)
    return np.where(valid[..., None], samples, samples.dtype.type(nodata))


def _window(rows: slice, columns: slice) -> Any:
    from rasterio.windows import Window

    return Window(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)


@contextmanager
def _quiet() -> Iterator[None]:
    """GDAL's settings, and no warnings about images without georeference."""
    import rasterio

    with rasterio.Env(GDAL_CACHEMAX=CACHE, GDAL_TIFF_INTERNAL_MASK=True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
