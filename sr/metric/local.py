"""Metrics that are the mean of a map over the image, computed band by band, so that memory does not grow with the image."""

from collections.abc import Iterator

import torch.nn.functional as F
from torch import Tensor

from sr.metric.base import Metric

BAND = 2**16  # pixels of a band, which fit into the caches: halves the time for a photograph


class LocalMetric(Metric):
    """A subclass implements ``local`` and, if the score is not the mean itself, ``finish``.

    A band gives the same values as the whole map, so the score is that of the whole image.
    """

    window: int = 1  # rows and columns of the image needed for one value of the map

    def compute(self, sr: Tensor, hr: Tensor, mask: Tensor | None = None) -> Tensor:
        total, count = 0.0, 0
        for ours, theirs, there in self._bands(*(None if image is None else self.cropped(image) for image in (sr, hr, mask))):
            values = self.local(self.levels(ours), self.levels(theirs))
            if there is not None:
                there = _inside(there, self.window).expand_as(values)
                values, here = values.where(there, 0), there.sum(dim=(1, 2, 3))
            else:
                here = values[0].numel()
            total, count = total + values.sum(dim=(1, 2, 3)), count + here
        return self.finish(total / count)

    def _bands(self, sr: Tensor, hr: Tensor, mask: Tensor | None = None) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
        """The images in bands of rows; neighbouring bands overlap by what the window needs."""
        shared, height = self.window - 1, sr.shape[-2]
        rows = max(BAND // sr.shape[-1], 2 * shared, 1)  # in wide images at most half of the work is done twice
        for top in range(0, height - shared, rows):
            band = slice(top, min(top + rows + shared, height))
            yield sr[..., band, :], hr[..., band, :], None if mask is None else mask[..., band, :]

    def local(self, sr: Tensor, hr: Tensor) -> Tensor:
        """(N, C, h - window + 1, w - window + 1) values of two prepared images (N, C, h, w) in 0..255."""
        raise NotImplementedError

    def finish(self, mean: Tensor) -> Tensor:
        """(N,) scores from the means of the map."""
        return mean

    def score(self, sr: Tensor, hr: Tensor) -> Tensor:
        return self.finish(self.local(sr, hr).mean(dim=(1, 2, 3)))


def _inside(mask: Tensor, window: int) -> Tensor:
    """(N, 1, h - window + 1, w - window + 1) bool: where a window has data everywhere."""
    return mask if window == 1 else F.max_pool2d((~mask).float(), window, 1) == 0
