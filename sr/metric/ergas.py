"""Relative error over all bands."""

import torch
from torch import Tensor

from sr.metric.base import Metric


class ERGAS(Metric):
    """ERGAS, the relative global error of synthesis: lower is better, 0 for equal images. From torchmetrics.

    100 / scale * sqrt(mean over bands of (RMSE / mean of HR)^2): Wald, Ranchin, Mangolini: Fusion of satellite images of
    different spatial resolutions, Photogrammetric Engineering and Remote Sensing 63(6), 1997; Wald, Quality of high resolution
    synthesised images, 2000.

    Args:
        scale: HR pixels per LR pixel.
        crop_border, levels: see Metric.
    """

    higher_is_better = False

    def __init__(self, *, scale: float, crop_border: float, levels: int | None = 255) -> None:
        super().__init__(crop_border=crop_border, channel="rgb", levels=levels, luma=False)
        self.scale = scale

    def compute(self, sr: Tensor, hr: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return super().compute(sr, hr)
        ours, theirs, there = self.prepare(sr), self.prepare(hr), self.cropped(mask)[:, 0]
        pairs = zip(ours, theirs, there, strict=True)
        return torch.cat([self.score(a[None, :, None, where], b[None, :, None, where]) for a, b, where in pairs])

    def score(self, sr: Tensor, hr: Tensor) -> Tensor:
        from torchmetrics.functional.image.ergas import error_relative_global_dimensionless_synthesis

        return error_relative_global_dimensionless_synthesis(sr, hr, ratio=self.scale, reduction="none")
