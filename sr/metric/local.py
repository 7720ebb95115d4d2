"""Metrics that are the mean of a map over the image: computed band by band, in memory that does not grow with the image."""

from collections.abc import Iterator

from torch import Tensor

from sr.metric.base import Metric

BAND = 2**16  # pixels of a band: what is computed of it stays in the caches, which halves the time of a photograph


class LocalMetric(Metric):
    """A subclass writes ``local`` and, where the score is not the mean itself, ``finish``.

    A band of an image counts as if it had been cut out of the whole map, so that the score is the whole image's.
    """

    window: int = 1  # rows and columns of the image that one value of the map is made of

    def compute(self, sr: Tensor, hr: Tensor) -> Tensor:
        total, count = 0.0, 0
        for ours, theirs in self._bands(self.cropped(sr), self.cropped(hr)):
            values = self.local(self.levels(ours), self.levels(theirs))
            total, count = total + values.sum(dim=(1, 2, 3)), count + values[0].numel()
        return self.finish(total / count)

    def _bands(self, sr: Tensor, hr: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """The two images in bands of rows; neighbours share what the window needs."""
        shared, height = self.window - 1, sr.shape[-2]
        rows = max(BAND // sr.shape[-1], 2 * shared, 1)  # in a wide image no more than half of the work is done twice
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
