"""Structural similarity."""

from torch import Tensor

from sr.functional.ssim import WINDOW, ssim_maps
from sr.metric.local import LocalMetric


class SSIM(LocalMetric):
    """SSIM as SR papers report it: Wang's ssim.m (see `sr.functional.ssim`) on Y, or the mean over the bands."""

    smallest = window = WINDOW

    def local(self, sr: Tensor, hr: Tensor) -> Tensor:
        luminance, contrast_structure = ssim_maps(sr, hr, data_range=255)
        return luminance * contrast_structure
