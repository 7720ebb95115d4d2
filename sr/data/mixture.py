"""Several image sets combined into one, with weights for drawing."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from sr.data.storage import Pixels, Storage
from sr.functional.draws import Draws


class Mixture:
    """Index -> image (H, W, C), over the images of all `sets` in order: itself a `sr.data.storage.Storage`.

    Args:
        sets: storages of images of one kind, none of them empty.
        weights: relative probability of an image of each set; None: all images equal.
    """

    def __init__(self, sets: Sequence[Storage], weights: Sequence[float] | None = None) -> None:
        self.sets = list(sets)
        counts = [len(images) for images in self.sets]
        self._first = list(accumulate(counts[:-1], initial=0))
        self._counts, self._weights = np.array(counts), np.array(weights or [1.0] * len(counts), dtype=np.float64)
        self._mass = np.cumsum(self._counts * self._weights)

    def __len__(self) -> int:
        return int(self._counts.sum())

    def __getitem__(self, index: int) -> Pixels:
        part, place = self.place(index)
        return self.sets[part][place]

    def place(self, index: int) -> tuple[int, int]:
        """The set that contains the image, and its index there."""
        part = bisect_right(self._first, index) - 1
        return part, index - self._first[part]

    def draw(self, draws: Draws) -> np.ndarray:
        """Indices (count,): one random number per sample, in time independent of the number of images."""
        place = draws.uniform() * self._mass[-1]
        part = np.searchsorted(self._mass[:-1], place, side="right")
        within = (place - self._mass[part]) / self._weights[part] + self._counts[part]
        return np.array(self._first)[part] + np.clip(within.astype(np.int64), 0, self._counts[part] - 1)
