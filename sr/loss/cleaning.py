"""Distance of a cleaned LR image to the reduced HR image."""

import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError
from sr.loss.base import Loss


class Cleaning(Loss):
    """Mean |cleaned - area(hr)|: what RealBasicVSR's cleaning module learns; it is a loss of `cleaned`, not of SR.

    Chan, Zhou, Xu, Loy 2021, arXiv:2111.12704, equation 2; HR is reduced by the mean over each LR pixel, as in the release.
    """

    of = "cleaned"

    def forward(self, cleaned: Tensor, hr: Tensor) -> Tensor:
        """(N, C, h, w) and (N, C, sh, sw), clips likewise -> a scalar. InputError: HR is not a multiple of it in size."""
        (height, width), (tall, wide) = cleaned.shape[-2:], hr.shape[-2:]
        if tall % height or wide % width or tall // height != wide // width or cleaned.shape[:-2] != hr.shape[:-2]:
            raise InputError(f"the cleaned image is {tuple(cleaned.shape)} and hr is {tuple(hr.shape)}: not one scale apart")
        reduced = F.avg_pool2d(hr.flatten(0, -4), tall // height).view(cleaned.shape)
        return super().forward(cleaned, reduced)

    def compute(self, sr: Tensor, hr: Tensor) -> Tensor:
        return F.l1_loss(sr, hr)
