"""Real pairs of Landsat 8 and 9: the panchromatic band of 15 m is HR, the visible bands of 30 m make LR.

The panchromatic band spans green and red (0.50 to 0.68 um; USGS, LSDS-1574, table 2-1), so a weighted sum of the visible bands
is the same image at half the resolution: optics, noise and sampling are real. The sum is fitted on training tiles.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sr.data.source.parts import PARTS
from sr.data.source.tiles import Tiles
from sr.errors import InputError, MissingError
from sr.files import whole
from sr.image import rasters
from sr.image.geotiff import GeoTIFF
from sr.image.raster import Raster

DARK = 5000  # the digital number of reflectance 0: 2e-5 * DN - 0.1
EDGE = 2  # LR pixels at the edge of a tile that do not take part in its registration
_VERSION = 3  # of what is written


class LandsatPan:
    """Source, and images of a benchmark (`hr`): (panchromatic tile, LR tile) of one part of the scenes (`Tiles`).

    LR = sum of weight * band over the visible bands, in reflectance, with the weights that fit the panchromatic band, pooled to
    30 m, best on the training tiles (least squares, none negative). The panchromatic grid begins half of its pixel left of and
    above that of 30 m, and the two differ further, tile by tile (up to 0.8 LR pixels in data=landsat8_pan). The bands are
    therefore moved, by cubic splines, to where they correlate best with the panchromatic band; an LR pixel covers 2 x 2 of HR.
    The weights fit differences from the mean of a tile, and a constant makes the means of LR and HR equal, tile by tile: the
    atmosphere adds light, most of it in blue, and a network would learn that as a change of brightness and contrast.

    Args:
        path: folder of the tiles with 30 m bands, in digital numbers of Level 1.
        pan: folder of the panchromatic tiles with the same names.
        folder: where LR is written, once, beside `fit.json` with the weights and shifts.
        visible: indices of the visible bands, from 0.
        parts: part, val, test and gap as for Tiles; gap in panchromatic pixels.

    Raises:
        MissingError: a tile without a partner. InputError: as Tiles, or a partner that covers another place.
    """

    def __init__(
        self, path: str | Path, pan: str | Path, folder: str | Path, visible: Sequence[int] = (0, 1, 2), **parts: Any
    ) -> None:
        self.path, self.folder, self.visible = Path(path).expanduser(), Path(folder).expanduser(), list(visible)
        self.tiles = Tiles(pan, **parts)

    def __str__(self) -> str:
        return str(self.tiles)

    def prepare(self, download: bool = False) -> None:
        """Fit and write LR; nothing is downloaded. Prints the parts, the weights and the error of the fit."""
        self.tiles.prepare()
        self.files()
        pairs = zip(self.fit["weights"], self.visible, strict=True)
        weights = " + ".join(f"{weight:.3f} * band {band + 1}" for weight, band in pairs)
        print(f"{self.path}: LR is {weights}; its RMSE on the training tiles is {self.fit['error']:.1%} of the mean of HR")

    def files(self) -> list[tuple[Path, Path]]:
        """(HR file, LR file) of each tile."""
        return [(pan, self._lr(pan)) for pan, _ in self.tiles.files()]

    def validation(self) -> list[tuple[Path, Path]]:
        """The validation tiles of the training part."""
        return [(pan, self._lr(pan)) for pan, _ in self.tiles.validation()]

    def names(self) -> list[str]:
        """The name of each tile in `files`."""
        return self.tiles.names()

    @cached_property
    def fit(self) -> dict[str, Any]:
        """{"weights": of each visible band, "error": RMSE of LR against HR pooled, relative to the mean of HR, on the training
        tiles, "shifts": name of each tile -> rows and columns by which the bands are moved, in LR pixels}."""
        file = self._made / "fit.json"
        if not file.is_file():
            with whole(file) as temporary:
                temporary.write_text(json.dumps(self._fitted(), indent=1))
        return json.loads(file.read_text())

    @cached_property
    def _made(self) -> Path:
        """The folder of LR made of these files with these settings."""
        pairs = [(pan, self._partner(pan)) for part in PARTS for pan in self.tiles.parts[part]]
        known = [(part, [self._name(pan) for pan in self.tiles.parts[part]]) for part in PARTS]
        stamps = [(file.stat().st_size, file.stat().st_mtime_ns) for pair in pairs for file in pair]
        text = repr((_VERSION, self.visible, known, stamps))
        return self.folder / hashlib.sha256(text.encode()).hexdigest()[:16]

    def _fitted(self) -> dict[str, Any]:
        """The weights at the places that the coordinates say; the shifts with these weights; the weights again."""
        from scipy.optimize import nnls

        tiles = {pan: Pair(pan, self._partner(pan), self.visible) for part in PARTS for pan in self.tiles.parts[part]}
        shifts = {pan: pair.offset for pan, pair in tiles.items()}
        for last in (False, True):
            train = self.tiles.parts["train"]
            x = np.concatenate([_centred(tiles[pan].moved(shifts[pan])).reshape(-1, len(self.visible)) for pan in train])
            y = np.concatenate([_centred(tiles[pan].pooled).reshape(-1) for pan in train])
            weights = nnls(x, y)[0]  # a negative weight would make a difference of bands: noise and edges
            shifts = shifts if last else {pan: pair.registered(weights) for pan, pair in tiles.items()}
        error = float(np.sqrt(np.mean((x @ weights - y) ** 2)) / np.mean([tiles[pan].pooled.mean() for pan in train]))
        return {"weights": weights.tolist(), "error": error, "shifts": {self._name(pan): [*s] for pan, s in shifts.items()}}

    def _lr(self, pan: Path) -> Path:
        """The LR file of a panchromatic one, written if it is not there."""
        file = self._made / self._name(pan)
        if not file.is_file():
            pair = Pair(pan, self._partner(pan), self.visible)
            reflectance = pair.moved(self.fit["shifts"][self._name(pan)]) @ np.array(self.fit["weights"])
            reflectance += pair.pooled.mean() - reflectance.mean()
            samples = np.clip(np.rint(reflectance + DARK), 1, 65535).astype(np.uint16)[..., None]
            with rasters.opened(pan) as source, whole(file) as new, source.writer(new, (1, *samples.shape[:2])) as out:
                out.write(samples)
        return file

    def _name(self, pan: Path) -> str:
        return pan.relative_to(self.tiles.path).as_posix()

    def _partner(self, pan: Path) -> Path:
        file = self.path / self._name(pan)
        if not file.is_file():
            raise MissingError(f"no partner for {pan}: looked for {file}")
        return file


class Pair:
    """A panchromatic tile and its bands, above DARK, floats.

    `pooled` is the panchromatic band (h, w), means of 2 x 2; `offset` the position of its first pixel on the grid of the bands,
    in rows and columns, by the coordinates.
    """

    def __init__(self, pan: Path, bands: Path, visible: list[int]) -> None:
        with rasters.opened(pan) as high, rasters.opened(bands) as low:
            self.offset = _offset(high, low)
            height, width = (side // 2 for side in high.shape[:2])
            values = high.read(slice(0, 2 * height), slice(0, 2 * width))[..., 0].astype(np.float64) - DARK
            self.bands = low.read(slice(0, low.shape[0]), slice(0, low.shape[1]))[..., visible].astype(np.float64) - DARK
        self.pooled = values.reshape(height, 2, width, 2).mean((1, 3))

    def moved(self, offset: Sequence[float]) -> np.ndarray:
        """The bands (h, w, n) on the grid of `pooled`, whose first pixel lies at `offset`."""
        return moved(self.bands, self.pooled.shape, offset)

    def registered(self, weights: np.ndarray) -> tuple[float, float]:
        """Offset, at most a pixel from that of the coordinates, at which the weighted bands correlate best with `pooled`."""
        from scipy.optimize import minimize

        band, target = (self.bands @ weights)[..., None], self.pooled[EDGE:-EDGE, EDGE:-EDGE].ravel()

        def unlike(offset: np.ndarray) -> float:
            found = moved(band, self.pooled.shape, offset)[EDGE:-EDGE, EDGE:-EDGE, 0].ravel()
            return -np.corrcoef(found, target)[0, 1]

        limits = [(at - 1, at + 1) for at in self.offset]
        options = {"xatol": 0.005, "fatol": 1e-6, "initial_simplex": np.add(self.offset, [(0, 0), (0.2, 0), (0, 0.2)])}
        return tuple(map(float, minimize(unlike, self.offset, method="Nelder-Mead", bounds=limits, options=options).x))


def _centred(values: np.ndarray) -> np.ndarray:
    """Differences of values (h, w) or (h, w, n) from their mean over pixels."""
    return values - values.mean((0, 1))


def moved(bands: np.ndarray, shape: Sequence[int], offset: Sequence[float]) -> np.ndarray:
    """Bands (H, W, n), interpolated by cubic splines, on a grid of this shape whose first pixel lies at `offset`."""
    from scipy.ndimage import map_coordinates

    where = np.meshgrid(*(np.arange(side) + at for side, at in zip(shape, offset, strict=True)), indexing="ij")
    return np.stack([map_coordinates(band, where, order=3, mode="nearest") for band in np.moveaxis(bands, -1, 0)], -1)


def _offset(high: Raster, low: Raster) -> tuple[float, float]:
    """Position of the first LR pixel of the panchromatic grid on that of the bands, in rows and columns of the bands."""
    if not isinstance(high, GeoTIFF) or not isinstance(low, GeoTIFF):
        raise InputError(f"{high.path} and {low.path} need coordinates")
    (a, _, c, _, e, f), (x, _, left, _, y, top) = high.file.transform[:6], low.file.transform[:6]
    row, column = (f - top) / y, (c - left) / x
    if high.file.crs != low.file.crs or not np.allclose((2 * a, 2 * e), (x, y)) or max(abs(row), abs(column)) >= 1:
        raise InputError(f"{low.path} does not cover the place of {high.path} in pixels of twice the size")
    return row, column
