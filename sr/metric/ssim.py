"""Structural similarity."""

from torch import Tensor

from sr.metric.local import LocalMetric
from sr.ssim import WINDOW, ssim_maps


class SSIM(LocalMetric):
    """SSIM as SR papers report it: Wang's ssim.m (see `sr.ssim`) on Y, or the mean over the bands."""

    smallest = window = WINDOW

    def local(self, sr: Tensor, hr: Tensor) -> Tensor:
        luminance, contrast_structure = ssim_maps(sr, hr, data_range=255)
        return luminance * contrast_structure
