"""Word error rate of text that Tesseract reads."""

from torchmetrics.functional.text import word_error_rate

from sr.metric.cer import CER


class WER(CER):
    """Insertions, deletions and substitutions of words per word of the truth. Otherwise as CER."""

    @staticmethod
    def rate(read: str, truth: str) -> float:
        return float(word_error_rate([read], [truth]))
