"""Tiles of scenes (GeoTIFF), held out by scene, never by tile: neighbouring tiles show the same place, season and light."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sr.data.source.folder import images, names_below
from sr.data.source.parts import PARTS, Parted, divided
from sr.errors import InputError
from sr.image import rasters
from sr.image.geotiff import GeoTIFF


@dataclass(frozen=True)
class Place:
    """Where a tile lies: rows and columns of the pixel grid of its coordinate system and pixel size."""

    grid: str
    bands: int
    top: float
    left: float
    bottom: float
    right: float

    def distance(self, other: "Place") -> float:
        """Pixels between two tiles, along the axis where they are further apart; 0 or less if they touch or overlap."""
        return max(self.top - other.bottom, other.top - self.bottom, self.left - other.right, other.left - self.right)


class Tiles(Parted):
    """Source, and images of a benchmark (`hr`): the GeoTIFFs below `path` in one of three parts.

    A scene is a folder directly below `path`; files in `path` itself are one scene. With three scenes or more, whole scenes
    are held out, chosen by a hash of their names. With fewer, the tiles of each scene are divided along its longer side:
    training, a gap, validation, a gap, test. Tiles in the gaps are not used.

    Args:
        path: the folder.
        part: "train" (a source: its validation images are the part "val"), "val" or "test".
        val, test: share of the scenes, or of the side of a scene. val=0: no validation part; training then holds out single
            tiles (`sr.data.hold_out`), whose scores are too good, because their neighbours are trained on.
        gap: pixels between the parts of a scene; it must be larger than a network's receptive field.

    Raises:
        InputError: an unknown part; tiles without coordinates, or of different bands, pixel sizes or coordinate systems in one
            scene; too few tiles for three parts.
    """

    def __init__(self, path: str | Path, part: str = "train", val: float = 0.1, test: float = 0.2, gap: int = 32) -> None:
        super().__init__(path, part, val, test, gap, "pixels")

    def prepare(self, download: bool = False) -> None:
        """Check the tiles and print the parts; nothing is downloaded."""
        counts = ", ".join(f"{len(files)} {part}" for part, files in self.parts.items())
        left = len(self._found) - sum(map(len, self.parts.values()))
        how = f"{self.n_scenes} scenes" if self.n_scenes > 2 else f"{self.n_scenes} scene in blocks"
        print(f"{self.path}: tiles by {how}: {counts}, {left} unused between them")

    def names(self) -> list[str]:
        """The name of each tile in `files`."""
        return names_below(self.path, [file for file, _ in self.files()], f"{self.path}")

    @cached_property
    def parts(self) -> dict[str, list[Path]]:
        """The files of each part."""
        scenes = self._scenes()
        parts = divided(scenes, self.held) if len(scenes) > 2 else {part: [] for part in PARTS}
        for tiles in scenes.values() if len(scenes) <= 2 else ():
            for part, files in blocks(tiles, self.held, self.gap).items():
                parts[part] += files
        return {part: sorted(files) for part, files in self.checked(parts, "tiles").items()}

    @property
    def n_scenes(self) -> int:
        """Number of scenes."""
        return len({self._scene(file) for file in self._found})

    @cached_property
    def _found(self) -> list[Path]:
        return images(self.path)

    def _scene(self, file: Path) -> str:
        return "" if file.parent == self.path else file.relative_to(self.path).parts[0]

    def _scenes(self) -> dict[str, dict[Path, Place]]:
        scenes: dict[str, dict[Path, Place]] = defaultdict(dict)
        for file in self._found:
            scenes[self._scene(file)][file] = place_of(file)
        bands = {place.bands: file for tiles in scenes.values() for file, place in tiles.items()}
        if len(bands) > 1:
            (one, a), (other, b) = list(bands.items())[:2]
            raise InputError(f"{a} has {one} bands, but {b} has {other}: keep tiles of one kind in a folder")
        for tiles in scenes.values():
            grids = {place.grid: file for file, place in tiles.items()}
            if len(grids) > 1:
                (one, a), (other, b) = list(grids.items())[:2]
                raise InputError(f"{a} is in {one}, but {b} in {other}: put the scenes in folders of their own, or warp them")
        return scenes


def place_of(file: Path) -> Place:
    """Where a tile lies. InputError: it has no coordinates."""
    with rasters.opened(file) or _none(file) as raster:
        if not isinstance(raster, GeoTIFF) or raster.file.crs is None:
            _none(file)
        (a, _, c, _, e, f), (height, width, bands) = raster.file.transform[:6], raster.shape
        code = raster.file.crs.to_epsg()
        grid = f"{f'EPSG:{code}' if code else 'a system without a code'}, pixels of {abs(a):g} x {abs(e):g}"
    return Place(grid, bands, f / e, c / a, f / e + height, c / a + width)


def _none(file: Path) -> GeoTIFF:
    raise InputError(f"{file}: no coordinates, which say which tiles are neighbours: use data=folder, or give it some")


def blocks(tiles: Mapping[Path, Place], held: Mapping[str, float], gap: int) -> dict[str, list[Path]]:
    """The tiles of one scene in three blocks along its longer side, `gap` pixels apart; tiles in between are left out.

    Test are the tiles that reach into the last part of the side, of the share held["test"]; those closer than `gap` to one of
    them are left out; validation are those that reach into the last part of what remains.
    """
    rows = max(p.bottom for p in tiles.values()) - min(p.top for p in tiles.values())
    columns = max(p.right for p in tiles.values()) - min(p.left for p in tiles.values())
    ends = {file: place.bottom if rows >= columns else place.right for file, place in tiles.items()}
    left, parts = list(tiles), {}
    for part in ("test", "val"):
        start = max((ends[file] for file in left), default=0) - held[part] * max(rows, columns)
        parts[part] = [file for file in left if ends[file] > start]
        left = [file for file in left if all(tiles[file].distance(tiles[other]) >= gap for other in parts[part])]
    return {"train": left, "val": parts["val"], "test": parts["test"]}
