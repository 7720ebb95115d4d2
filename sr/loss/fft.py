"""L1 distance of spectra."""

import torch
from torch import Tensor

from sr.loss.base import Loss


def fft_l1(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean absolute error of the real and imaginary parts of the unnormalised 2-D FFT of (N, C, H, W); a scalar.

    The transform is linear, so one FFT of the difference is enough.
    """
    return torch.view_as_real(torch.fft.fft2(sr - hr)).abs().mean()


class FFT(Loss):
    """Frequency reconstruction loss (Cho et al. 2021, MIMO-UNet, arXiv:2108.05054, section 3.4).

    The FFT is not normalised: its values grow with the square root of the number of pixels. Hence weights below 1 next to L1
    (0.1 in MIMO-UNet; 0.05 in SAFMN, Sun et al. 2023, arXiv:2302.13800).
    """

    def compute(self, sr: Tensor, hr: Tensor) -> Tensor:
        return fft_l1(sr, hr)
