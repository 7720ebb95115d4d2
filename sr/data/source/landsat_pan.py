"""Real pairs of Landsat 8 and 9: the panchromatic band of 15 m is HR, the visible bands of 30 m make LR.

The panchromatic band spans green and red (0.50 to 0.68 um; USGS, LSDS-1574, table 2-1), so a weighted sum of the visible bands
is the same image at half the resolution: optics, noise and sampling are real. The sum is fitted on training tiles.
"""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sr.data.source.tiles import PARTS, Tiles
from sr.errors import InputError, MissingError
from sr.files import whole
from sr.image import rasters
from sr.image.geotiff import GeoTIFF

DARK = 5000  # the digital number of reflectance 0: 2e-5 * DN - 0.1


class LandsatPan:
    """Source, and images of a benchmark (`hr`): (panchromatic tile, LR tile) of one part of the scenes (`Tiles`).

    LR = sum of weight * band over the visible bands, in reflectance, with the weights that fit the panchromatic band, pooled
    to 30 m, best on the training tiles (least squares, none negative). The grid of 15 m begins half of its pixel left of and above that of
    30 m: the bands are interpolated (cubic spline) onto the panchromatic grid, so that an LR pixel covers 2 x 2 of HR.

    Args:
        path: folder of the tiles with 30 m bands, in digital numbers of Level 1.
        pan: folder of the panchromatic tiles with the same names.
        folder: where LR is written, once.
        visible: indices of the visible bands, from 0.
        part, val, test, gap: as for Tiles; gap in panchromatic pixels.

    Raises:
        MissingError: a tile without a partner. InputError: as Tiles, or a partner that covers another place.
    """

    def __init__(
        self, path: str | Path, pan: str | Path, folder: str | Path, visible: tuple[int, ...] = (0, 1, 2), **parts: Any
    ) -> None:
        self.path, self.folder, self.visible = Path(path).expanduser(), Path(folder).expanduser(), list(visible)
        self.tiles = Tiles(pan, **parts)

    def __str__(self) -> str:
        return str(self.tiles)

    def prepare(self, download: bool = False) -> None:
        """Fit and write LR; nothing is downloaded. Prints the parts, the weights and the error of the fit."""
        self.tiles.prepare()
        self.files()
        weights = " + ".join(f"{weight:.3f} * band {band + 1}" for weight, band in zip(self.weights, self.visible, strict=True))
        print(f"{self.path}: LR is {weights}; its RMSE on the training tiles is {self.error:.2%} of the mean of HR")

    def files(self) -> list[tuple[Path, Path]]:
        """(HR file, LR file) of each tile."""
        return [(pan, self._lr[pan]) for pan, _ in self.tiles.files()]

    def validation(self) -> list[tuple[Path, Path]]:
        """The validation tiles of the training part."""
        return [(pan, self._lr[pan]) for pan, _ in self.tiles.validation()]

    def names(self) -> list[str]:
        """The name of each tile in `files`."""
        return self.tiles.names()

    @property
    def weights(self) -> list[float]:
        """The weight of each visible band."""
        return self._fit[0]

    @property
    def error(self) -> float:
        """RMSE of LR against HR pooled, on the training tiles, relative to the mean of HR."""
        return self._fit[1]

    @cached_property
    def _fit(self) -> tuple[list[float], float]:
        from scipy.optimize import nnls

        bands, pooled = [], []
        for pan in self.tiles.parts["train"]:
            found, target = self._pair(pan)
            bands.append(found.reshape(-1, len(self.visible)))
            pooled.append(target.reshape(-1))
        x, y = np.concatenate(bands), np.concatenate(pooled)
        weights = nnls(x, y)[0]  # without a negative one: a difference of bands would be noise and edges
        return weights.tolist(), float(np.sqrt(np.mean((x @ weights - y) ** 2)) / y.mean())

    @cached_property
    def _lr(self) -> dict[Path, Path]:
        """The LR file of each panchromatic file, written if it is not there."""
        files = [file for part in PARTS for file in self.tiles.parts[part]]
        known = repr(([f"{weight:.9e}" for weight in self.weights], self.visible, [(f.name, f.stat().st_size) for f in files]))
        folder = self.folder / hashlib.sha256(known.encode()).hexdigest()[:16]
        made = {pan: folder / pan.relative_to(self.tiles.path) for pan in files}
        for pan, lr in made.items():
            if not lr.is_file():
                self._write(pan, lr)
        return made

    def _write(self, pan: Path, lr: Path) -> None:
        reflectance = self._pair(pan)[0] @ np.array(self.weights)
        samples = np.clip(np.rint(reflectance + DARK), 1, 65535).astype(np.uint16)[..., None]
        lr.parent.mkdir(parents=True, exist_ok=True)
        with rasters.opened(pan) as source, whole(lr) as temporary, source.writer(temporary, (1, *samples.shape[:2])) as out:
            out.write(samples)

    def _pair(self, pan: Path) -> tuple[np.ndarray, np.ndarray]:
        """The visible bands (h, w, n) on the panchromatic grid, and the panchromatic band pooled (h, w); above DARK, floats."""
        from scipy.ndimage import map_coordinates

        partner = self.path / pan.relative_to(self.tiles.path)
        if not partner.is_file():
            raise MissingError(f"no partner for {pan}: looked for {partner}")
        with rasters.opened(pan) as high, rasters.opened(partner) as low:
            row, column = _offset(high, low)
            height, width = (side // 2 for side in high.shape[:2])
            values = high.read(slice(0, 2 * height), slice(0, 2 * width))[..., 0].astype(np.float64) - DARK
            bands = low.read(slice(0, low.shape[0]), slice(0, low.shape[1]))[..., self.visible].astype(np.float64) - DARK
        where = np.meshgrid(np.arange(height) + row, np.arange(width) + column, indexing="ij")
        moved = [map_coordinates(bands[..., n], where, order=3, mode="nearest") for n in range(len(self.visible))]
        return np.stack(moved, axis=-1), values.reshape(height, 2, width, 2).mean((1, 3))


def _offset(high: GeoTIFF, low: GeoTIFF) -> tuple[float, float]:
    """Position of the first LR pixel of the panchromatic grid on that of the bands, in rows and columns of the bands."""
    (a, _, c, _, e, f), (x, _, left, _, y, top) = high.file.transform[:6], low.file.transform[:6]
    row, column = (f - top) / y, (c - left) / x
    same = high.file.crs == low.file.crs and np.allclose((2 * a, 2 * e), (x, y))
    if not same or max(abs(row), abs(column)) >= 1:
        raise InputError(f"{low.path} does not cover the place of {high.path} in pixels of twice the size")
    return row, column
