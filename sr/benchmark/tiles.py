"""The held-out tiles of scenes as an evaluation set."""

from pathlib import Path

from sr.benchmark.pairs import Benchmark
from sr.data.source.tiles import Tiles
from sr.errors import InputError
from sr.image.kind import PHOTO, Kind


class TileBenchmark(Benchmark):
    """The tiles of one part of the scenes in a folder (`sr.data.source.tiles.Tiles`); LR is made by MATLAB's imresize.

    Args:
        name: of the set.
        path, part, val, test, gap: as for Tiles: the same as those of the training data.
        scale, kind: as for Benchmark.
    """

    def __init__(
        self,
        name: str,
        path: str | Path,
        scale: float,
        part: str = "test",
        val: float = 0.1,
        test: float = 0.2,
        gap: int = 32,
        kind: Kind = PHOTO,
    ) -> None:
        if path is None or path == "":
            raise InputError(f"benchmark {name}: path={path!r} is not a folder")
        super().__init__(name, Tiles(path, part, val, test, gap), scale, kind=kind)
