"""Metrics that are the mean of a map over the image, computed band by band, so that memory does not grow with the image."""

from collections.abc import Iterator

from torch import Tensor

from sr.metric.base import Metric

BAND = 2**16  # pixels of a band, which fit into the caches: halves the time for a photograph


class LocalMetric(Metric):
    """A subclass implements ``local`` and, if the score is not the mean itself, ``finish``.

    A band gives the same values as the whole map, so the score is that of the whole image.
    """

    window: int = 1  # rows and columns of the image needed for one value of the map

    def compute(self, sr: Tensor, hr: Tensor) -> Tensor:
        total, count = 0.0, 0
        for ours, theirs in self._bands(self.cropped(sr), self.cropped(hr)):
            values = self.local(self.levels(ours), self.levels(theirs))
            total, count = total + values.sum(dim=(1, 2, 3)), count + values[0].numel()
        return self.finish(total / count)

    def _bands(self, sr: Tensor, hr: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """The two images in bands of rows; neighbouring bands overlap by what the window needs."""
        shared, height = self.window - 1, sr.shape[-2]
        rows = max(BAND // sr.shape[-1], 2 * shared, 1)  # in wide images at most half of the work is done twice
        for top in range(0, height - shared, rows):
            band = slice(top, min(top + rows + shared, height))
            yield sr[..., band, :], hr[..., band, :]

    def local(self, sr: Tensor, hr: Tensor) -> Tensor:
        """(N, C, h - window + 1, w - window + 1) values of two prepared images (N, C, h, w) in 0..255."""
        raise NotImplementedError

    def finish(self, mean: Tensor) -> Tensor:
        """(N,) scores from the means of the map."""
        return mean

    def score(self, sr: Tensor, hr: Tensor) -> Tensor:
        return self.finish(self.local(sr, hr).mean(dim=(1, 2, 3)))
