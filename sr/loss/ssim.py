"""1 - SSIM."""

from torch import Tensor

from sr.functional.ssim import ssim_maps
from sr.loss.base import Loss


def ssim_loss(sr: Tensor, hr: Tensor) -> Tensor:
    """1 - mean SSIM of (N, C, H, W) in [0, 1], H, W >= 11, for each channel separately; a scalar in [0, 2]."""
    luminance, contrast_structure = ssim_maps(sr, hr)
    return 1 - (luminance * contrast_structure).mean()


class SSIM(Loss):
    """1 - SSIM as a loss (Zhao et al. 2017, "Loss functions for image restoration", arXiv:1511.08861, section III-B).

    On RGB in [0, 1] without quantisation, so close to, but not equal to, the metric, which is measured on Y.
    """

    def compute(self, sr: Tensor, hr: Tensor) -> Tensor:
        return ssim_loss(sr, hr)
