"""Structural similarity."""

from torch import Tensor

from sr.metric.base import Metric
from sr.ssim import WINDOW, ssim_maps


def ssim(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean SSIM of each image of (N, C, H, W) in 0..255, H, W >= 11; the mean of the channels' values; (N,)."""
    luminance, contrast_structure = ssim_maps(sr, hr, data_range=255)
    return (luminance * contrast_structure).mean(dim=(1, 2, 3))


class SSIM(Metric):
    """SSIM as SR papers report it: Wang's ssim.m (see `sr.ssim`) on Y, or the mean over R, G and B."""

    smallest = WINDOW

    def score(self, sr: Tensor, hr: Tensor) -> Tensor:
        return ssim(sr, hr)
