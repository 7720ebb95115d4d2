"""MATLAB's bicubic imresize of an image in strips: equal to `sr.functional.resize.imresize` of the whole."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from sr.functional.resize import contributions, imresize, mirrored


class RowResize:
    """From (h, w) to (H, W), with antialiasing for downscaling."""

    def __init__(self, source: tuple[int, int], target: tuple[int, int]) -> None:
        (height, _), (self.height, self.width) = source, target
        first, weights, unit, _ = contributions(height, self.height, self.height / height, "cubic", True)
        self._index = mirrored(first[:, None] + np.arange(weights.shape[1]), height)
        self._weights = torch.from_numpy((weights / unit).astype(np.float32))
        self._first = np.minimum.accumulate(self._index.min(1)[::-1])[::-1]  # first row of the source that is still needed
        self._last = np.maximum.accumulate(self._index.max(1))  # last row that has been needed so far

    def needs(self, top: int, bottom: int) -> tuple[int, int]:
        """Rows (start, stop) of the source that are needed for the rows top to bottom of the result."""
        return int(self._first[top]), int(self._last[bottom - 1]) + 1

    def rows(self, source: Tensor, start: int, top: int, bottom: int) -> Tensor:
        """Rows top to bottom, (N, C, bottom - top, W), from the source's rows from `start` on, (N, C, >= needed, w)."""
        index = torch.from_numpy(self._index[top:bottom] - start)
        parts = zip(index.unbind(1), self._weights[top:bottom].unbind(1), strict=True)
        rows = sum(source.index_select(-2, i) * weight[:, None] for i, weight in parts)
        return imresize(rows, size=(bottom - top, self.width))

    def stream(self, strips: Iterable[Tensor]) -> Iterator[Tensor]:
        """The result in strips, each as soon as the source's strips (N, C, h, w) allow."""
        kept, start, top = None, 0, 0
        for strip in strips:
            kept = strip if kept is None else torch.cat([kept, strip], -2)
            bottom = int(np.searchsorted(self._last, start + kept.shape[-2], side="left"))
            if bottom > top:
                yield self.rows(kept, start, top, bottom)
                top = bottom
            if top < self.height:
                unused = int(self._first[top]) - start
                kept, start = kept[..., unused:, :].clone(), start + unused
