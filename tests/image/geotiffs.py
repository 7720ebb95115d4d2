"""Small real GeoTIFFs, and others made of them. Sources: tests/image/satellite/SOURCES.md."""

from pathlib import Path
from typing import Any

import numpy as np
import rasterio

SATELLITE = Path(__file__).parent / "satellite"
SENTINEL2, LANDSAT8, PAN, POINT = (SATELLITE / f"{name}.tif" for name in ("sentinel2", "landsat8", "landsat8_pan", "point"))


def samples(file: Path) -> np.ndarray:
    """(H, W, C) by rasterio, alpha included."""
    with rasterio.open(file) as opened:
        return np.moveaxis(opened.read(), 0, -1)


def written(file: Path, pixels: np.ndarray, mask: np.ndarray | None = None, names: tuple = (), **profile: Any) -> Path:
    """A GeoTIFF of (H, W, C) at the place of SENTINEL2; other settings of GDAL in `profile`; `mask` is stored inside."""
    with rasterio.open(SENTINEL2) as source:
        known = {"driver": "GTiff", "crs": source.crs, "transform": source.transform}
    height, width, count = pixels.shape
    shape = {"height": height, "width": width, "count": count, "dtype": pixels.dtype.name}
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(file, "w", **known | shape | profile) as out:
        out.write(np.moveaxis(pixels, -1, 0))
        if mask is not None:
            out.write_mask(mask)
        if names:
            out.descriptions = names
    return file


def cut(source: Path, folder: Path, side: int, names: str = "t_{row}_{column}.tif") -> list[Path]:
    """Tiles of a file with the right coordinates, named by their number in rows and columns; incomplete ones are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    with rasterio.open(source) as file:
        for row in range(0, file.height - side + 1, side):
            for column in range(0, file.width - side + 1, side):
                window = rasterio.windows.Window(column, row, side, side)
                a, b, c, d, e, f = file.transform[:6]
                moved = rasterio.Affine(a, b, c + a * column + b * row, d, e, f + d * column + e * row)
                profile = file.profile | {"width": side, "height": side, "transform": moved}
                files.append(folder / names.format(row=row // side, column=column // side))
                with rasterio.open(files[-1], "w", **{k: v for k, v in profile.items() if not k.startswith("block")}) as out:
                    out.write(file.read(window=window))
    return files
