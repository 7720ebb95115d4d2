"""The held-out slices of DICOM series as an evaluation set."""

from pathlib import Path

from sr.benchmark.pairs import Benchmark
from sr.data.source.slices import Slices
from sr.errors import InputError
from sr.image.kind import PHOTO, Kind


class SliceBenchmark(Benchmark):
    """The slices of one part of the patients in a folder (`sr.data.source.slices.Slices`); LR is made by MATLAB's imresize.

    Args:
        name: of the set.
        path, part, val, test, gap, missing: as for Slices: the same as those of the training data.
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
        gap: int = 1,
        missing: str = "stop",
        kind: Kind = PHOTO,
    ) -> None:
        if path is None or path == "":
            raise InputError(f"benchmark {name}: path={path!r} is not a folder")
        super().__init__(name, Slices(path, part, val, test, gap, missing), scale, kind=kind)
