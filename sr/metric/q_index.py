"""Universal image quality index, of every band."""

from torch import Tensor

from sr.metric.local import LocalMetric


class QIndex(LocalMetric):
    """Q-index, the mean over windows and bands; higher is better, 1 for equal images. From torchmetrics.

    Wang, Bovik: A universal image quality index, IEEE Signal Processing Letters 9(3), 2002; with torchmetrics' Gaussian window
    of 11 pixels (sigma 1.5) in place of their square of 8. It is SSIM without constants, so dark images count like bright ones;
    a window in which both images are constant counts as 0.

    Args:
        crop_border, levels: see Metric.
    """

    smallest = window = 11

    def __init__(self, *, crop_border: float, levels: int | None = 255) -> None:
        super().__init__(crop_border=crop_border, channel="rgb", levels=levels, luma=False)

    def local(self, sr: Tensor, hr: Tensor) -> Tensor:
        from torchmetrics.functional.image.uqi import universal_image_quality_index

        return universal_image_quality_index(sr, hr, reduction="none")
