"""1 - multi-scale SSIM."""

import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError
from sr.functional.ssim import WINDOW, ssim_maps
from sr.loss.base import Loss

# Exponents of the scales, finest first: Wang, Simoncelli, Bovik 2003, section 3.2.
EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ms_ssim_loss(sr: Tensor, hr: Tensor, scales: int = 5) -> Tensor:
    """1 - mean MS-SSIM of two batches, for each channel of each image separately.

    Args:
        sr, hr: (N, C, H, W) in [0, 1].
        scales: number of the five scales to use, each half the size of the previous one. The exponents of those used are
            divided by their sum (1.0001 for the paper's five).

    Returns:
        A scalar in [0, 1].

    Raises:
        InputError: scales outside 1..5, or images smaller than 11 * 2^(scales - 1).

    Source:
        Wang, Simoncelli, Bovik 2003, "Multiscale structural similarity for image quality assessment", equation 7.
    """
    if not 1 <= scales <= len(EXPONENTS):
        raise InputError(f"MS-SSIM has 1 to {len(EXPONENTS)} scales, not {scales}")
    smallest = WINDOW * 2 ** (scales - 1)
    if min(sr.shape[-2:]) < smallest:
        size = f"{sr.shape[-2]}x{sr.shape[-1]}"
        raise InputError(
            f"MS-SSIM of {scales} scales needs at least {smallest}x{smallest} pixels, not {size}: "
            "use larger patches or fewer scales"
        )
    similarity = 1.0
    for i in range(scales):
        if i > 0:
            # ceil_mode: for odd sizes keep the last row, as the authors' msssim.m (imfilter 'symmetric').
            sr, hr = F.avg_pool2d(sr, 2, ceil_mode=True), F.avg_pool2d(hr, 2, ceil_mode=True)
        luminance, contrast_structure = ssim_maps(sr, hr)
        last = i == scales - 1
        mean = (luminance * contrast_structure if last else contrast_structure).mean(dim=(2, 3))
        # Structure can be negative early in training; its fractional power would be NaN (and at 0 the gradient infinite).
        similarity = similarity * mean.clamp(min=1e-4) ** (EXPONENTS[i] / sum(EXPONENTS[:scales]))
    return 1 - similarity.mean()


class MSSSIM(Loss):
    """1 - MS-SSIM as a loss (Zhao et al. 2017, arXiv:1511.08861, section III-C), without their L1 term.

    Args:
        weight: factor in a sum of losses; Zhao et al. use 0.84 with L1 at 0.16.
        scales: 5 in the paper, which needs HR patches of at least 176 pixels; 4 need 88, 3 need 44.
    """

    def __init__(self, *, weight: float = 1.0, scales: int = 5):
        super().__init__(weight=weight)
        self.scales = scales

    def compute(self, sr: Tensor, hr: Tensor) -> Tensor:
        return ms_ssim_loss(sr, hr, scales=self.scales)
