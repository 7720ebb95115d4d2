"""Evaluation sets cut into tiles, each with a score of its own: an interval from a few large images, within these images."""

from functools import cached_property
from pathlib import Path
from typing import Any

from sr.benchmark.pairs import Benchmark
from sr.errors import InputError
from sr.image import file as image


class Tiled(Benchmark):
    """The images of a set as square tiles side by side. LR is cut from LR of the whole image; what is left at the right and at
    the bottom is not measured.

    Args:
        tile: side of a tile in HR pixels, a multiple of the scale.
        pairs: arguments of Benchmark.

    Raises:
        InputError: a tile that is no multiple of the scale, or, when the set is prepared, larger than an image.
    """

    def __init__(self, *, tile: int, **pairs: Any) -> None:
        super().__init__(**pairs)
        if tile < self.scale or tile % self.scale:
            raise InputError(f"benchmark {self.name}: tile={tile} is not a multiple of scale={self.scale}")
        self.tile = tile
        self._last: tuple[int, dict[str, Any]] | None = None  # tiles of an image are read one after the other

    @cached_property
    def places(self) -> list[tuple[int, int, int]]:
        """(image, top, left) of each tile, in HR pixels."""
        found = []
        for index, (file, _) in enumerate(self.pairs):
            height, width = image.size(file)
            if min(height, width) < self.tile:
                raise InputError(f"benchmark {self.name}: {file} is smaller than a tile of {self.tile}x{self.tile}")
            tops, lefts = (range(0, side - self.tile + 1, self.tile) for side in (height, width))
            found += [(index, top, left) for top in tops for left in lefts]
        return found

    @cached_property
    def names(self) -> list[str]:
        """NAME_TOP_LEFT of each tile."""
        whole = self._image_names()
        return [f"{whole[index]}_{top:04d}_{left:04d}" for index, top, left in self.places]

    def __len__(self) -> int:
        return len(self.places)

    def depends(self, index: int) -> list[Path]:
        """As of Benchmark, of a tile."""
        return super().depends(self.places[index][0])

    def __getitem__(self, index: int) -> dict[str, Any]:
        """As of Benchmark, of a tile. Further keys are those of the image."""
        number, top, left = self.places[index]
        if self._last is None or self._last[0] != number:
            self._last = number, super().__getitem__(number)
        found = self._last[1]
        cut = {"name": self.names[index]}
        for key, scale in (("hr", 1), ("lr", self.scale)):
            y, x, side = (round(value / scale) for value in (top, left, self.tile))
            cut[key] = found[key][:, y : y + side, x : x + side].clone()
        return {**found, **cut}
