"""Character error rate of text that Tesseract reads: are documents read better after super-resolution?"""

from collections.abc import Sequence

import numpy as np
from torch import Tensor
from torchmetrics.functional.text import char_error_rate

from sr.metric import ocr
from sr.metric.task import TaskMetric


class CER(TaskMetric):
    """Insertions, deletions and substitutions of characters that turn the text read into the truth, per character of the truth.

    0 is perfect; above 1 if more is read than there is. Runs of white space count as one space. The mean over a set weights
    each picture equally.

    Args:
        crop_border: see Metric; 0, for letters reach the border of a line.
        layout, language, margin: see `sr.metric.ocr.text`.
        channel, levels, luma: see Metric; "gray" is MATLAB's rgb2gray.

    Raises:
        InputError: Tesseract is not installed.
    """

    reference = False
    further = ("text",)
    higher_is_better = False

    def __init__(
        self,
        *,
        crop_border: float = 0,
        layout: int = 7,
        language: str = "eng",
        margin: int = 10,
        channel: str = "gray",
        levels: int | None = 255,
        luma: bool = True,
    ) -> None:
        super().__init__(crop_border=crop_border, channel=channel, levels=levels, luma=luma)
        self.layout, self.language, self.margin = layout, language, margin
        self.library = ocr.version()

    def forward(self, sr: Tensor, hr: Tensor | None = None, text: Sequence[str] = ()) -> Tensor:
        """(N,) error rates of pictures (N, C, H, W) in [0, 1] with their truth texts; hr is ignored."""
        return self.each(sr, self._rate, text)

    def _rate(self, picture: np.ndarray, truth: str) -> float:
        read = ocr.text(picture, layout=self.layout, language=self.language, margin=self.margin)
        return self.rate(read, " ".join(truth.split()))

    @staticmethod
    def rate(read: str, truth: str) -> float:
        """The error rate of a text."""
        return float(char_error_rate([read], [truth]))
