"""Distance of a cleaned LR image to the reduced HR image."""

import torch.nn.functional as F
from torch import Tensor

from sr.loss.base import Loss


class Cleaning(Loss):
    """Mean |cleaned - area(hr)|: what RealBasicVSR's cleaning module learns; it is a loss of `cleaned`, not of SR.

    Chan, Zhou, Xu, Loy 2021, arXiv:2111.12704, equation 2; HR is reduced by the mean over each LR pixel, as in the release.
    """

    of = "cleaned"

    def forward(self, cleaned: Tensor, hr: Tensor) -> Tensor:
        """(N, C, h, w) and (N, C, sh, sw), s a whole number -> a scalar. InputError: other shapes."""
        scale = hr.shape[-1] // cleaned.shape[-1]
        if scale > 1:
            hr = F.avg_pool2d(hr, scale)
        return super().forward(cleaned, hr)

    def compute(self, sr: Tensor, hr: Tensor) -> Tensor:
        return F.l1_loss(sr, hr)
