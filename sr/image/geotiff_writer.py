"""Writes an enlarged GeoTIFF with the metadata of its source. Only for `sr/image/geotiff.py`."""

from pathlib import Path
from typing import Any

import numpy as np

from sr.image.gdal import quiet, settings, storing, window
from sr.image.writer import StripWriter

_PREDICTED = ("deflate", "lzw", "zstd", "lerc_deflate", "lerc_zstd")  # compressions with a predictor
LOSSLESS = ("deflate", "lzw", "zstd", "packbits", "lzma")  # lossless; others become deflate


class GeoTIFFWriter(StripWriter):
    """An enlarged GeoTIFF with the coordinate system, extent, type, nodata, band names, tags and compression of another.

    Args:
        path: of the result.
        source: the open `sr.image.geotiff.GeoTIFF` that was enlarged.
        size: height and width of the result.
    """

    def __init__(self, path: Path, source: Any, size: tuple[int, int]) -> None:
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

        with quiet():
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
        """Close the file and read its last rows: GDAL reports a full disk late, or not at all."""
        import rasterio

        with quiet(), storing():
            self._file.close()
            with rasterio.open(self._temporary) as file:
                file.read(window=window(slice(self.size[0] - 1, self.size[0]), slice(0, self.size[1])))

    def drop(self) -> None:
        self._file.close()

    def _store(self, samples: np.ndarray, valid: np.ndarray) -> None:
        where = window(slice(self._rows, self._rows + len(samples)), slice(0, self.size[1]))
        with settings(), storing():
            self._file.write(np.moveaxis(_marked(samples, valid, self.nodata), -1, 0), self.bands, window=where)
            if self.alpha:
                full = np.iinfo(samples.dtype).max if samples.dtype.kind in "ui" else 1
                self._file.write((valid * full).astype(samples.dtype), self.alpha, window=where)
            elif self.mask:
                self._file.write_mask(valid, window=where)
        self._rows += len(samples)


def _profile(source: Any, size: tuple[int, int]) -> dict[str, Any]:
    """What GDAL needs to create the file."""
    from rasterio import Affine

    of, compression, (height, width) = source.file, source.compression, source.shape[:2]
    made = {"driver": "GTiff", "height": size[0], "width": size[1], "count": of.count, "dtype": source.dtype.name}
    made |= {"crs": of.crs, "nodata": of.nodata, "BIGTIFF": "IF_SAFER"}
    if not of.transform.is_identity:
        (a, b, c, d, e, f), x, y = of.transform[:6], width / size[1], height / size[0]
        made["transform"] = Affine(a * x, b * y, c, d * x, e * y, f)
    if compression:
        made["compress"] = compression if compression in LOSSLESS else "deflate"
        if made["compress"] in _PREDICTED:
            made["predictor"] = 3 if source.dtype.kind == "f" else 2
    if of.profile.get("tiled"):
        made |= {"tiled": True, "blockysize": of.block_shapes[0][0], "blockxsize": of.block_shapes[0][1]}
    if source.alpha:
        made["ALPHA"] = "YES"
    return made | {"interleave": str(of.profile.get("interleave", "pixel"))}


def _described(source: Any, ratio: tuple[float, float]) -> dict[str, Any]:
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
