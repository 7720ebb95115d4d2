"""One blur kernel and one strength of noise: what a lens and a sensor do, and no more.

After KernelGAN's linear generator (Bell-Kligler, Shocher, Irani 2019, arXiv:1909.06581, section 4.1), but as a single kernel of
sum 1, estimated from many images.
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError
from sr.network.upsample import check_channels, check_scale


class Kernel(nn.Module):
    """HR (N, `channels`, sH, sW) in [0, 1], noise (N, 1, sH, sW) -> LR (N, `channels`, H, W): blur, decimation, noise.

    All bands are blurred by one kernel, so colours stay; flat areas keep their value. Images are mirrored at their edges.

    Args:
        scale: HR pixels per LR pixel: 1, 2, 3, 4 or 8.
        channels: bands of the image.
        size: side of the kernel in HR pixels, an odd number.
        sigma: standard deviation of the Gaussian that the kernel starts as, in LR pixels.
        noise: standard deviation of the noise that it starts with, of a range of 1; 0: none, ever.

    Raises:
        InputError: another scale, an even or too small kernel, a negative number.
    """

    def __init__(self, *, scale: int = 2, channels: int = 3, size: int = 13, sigma: float = 0.6, noise: float = 0.002) -> None:
        super().__init__()
        self.scale, self.channels = check_scale(scale, (1, 2, 3, 4, 8)), check_channels(channels)
        if type(size) is not int or size % 2 == 0 or size < 2 * scale + 1:
            raise InputError(f"degrader.size={size}: pass an odd number from {2 * scale + 1} up")
        if not (sigma > 0 and noise >= 0):
            raise InputError(f"degrader.sigma={sigma} and noise={noise}: pass a positive number, and one from 0 up")
        places = torch.arange(size) - size // 2 - (scale % 2 == 0) / 2  # the middle of two or four pixels is between pixels
        row = torch.exp(-(places**2) / (2 * (sigma * scale) ** 2))
        self.weight = nn.Parameter(row[:, None] * row / row.sum() ** 2)
        self.strength = nn.Parameter(torch.tensor(math.sqrt(noise)), requires_grad=noise > 0)

    def kernel(self) -> Tensor:
        """(size, size) of sum 1."""
        return self.weight / self.weight.sum()

    def forward(self, hr: Tensor, noise: Tensor) -> Tensor:
        half, s = self.weight.shape[-1] // 2, self.scale
        kernel = self.kernel().to(hr.dtype).expand(self.channels, 1, -1, -1)
        first = (s - 1) // 2  # the HR pixel in the middle of an LR pixel, or the one before its middle
        image = F.pad(hr, (half,) * 4, mode="reflect")[..., first:, first:]
        lr = F.conv2d(image, kernel, stride=s, groups=self.channels)[..., : hr.shape[-2] // s, : hr.shape[-1] // s]
        return lr + self.strength.square() * noise[..., ::s, ::s].to(hr.dtype)
