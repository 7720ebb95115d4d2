"""One blur kernel and one strength of noise: what a lens and a sensor do, and no more.

After KernelGAN's linear generator (Bell-Kligler, Shocher, Irani 2019, arXiv:1909.06581, section 4.1), but as a single kernel
that is positive, symmetric and of sum 1 by construction, and estimated from many images.
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

    All bands are blurred by one kernel, so colours stay, and flat areas keep their value. The kernel is symmetric about the
    middle of an LR pixel: images that do not correspond cannot tell a shift. They are mirrored at their edges.

    Args:
        scale: HR pixels per LR pixel: 1, 2, 3, 4 or 8.
        channels: bands of the image.
        reach: HR pixels on each side of the middle of an LR pixel that the kernel covers.
        sigma: standard deviation of the Gaussian that the kernel starts as, in LR pixels.
        noise: standard deviation of the noise that it starts with, of a range of 1; 0: none, ever.

    Raises:
        InputError: another scale, a number out of range.
    """

    def __init__(self, *, scale: int = 2, channels: int = 3, reach: int = 6, sigma: float = 0.6, noise: float = 0.002) -> None:
        super().__init__()
        self.scale, self.channels = check_scale(scale, (1, 2, 3, 4, 8)), check_channels(channels)
        if type(reach) is not int or reach < scale:
            raise InputError(f"degrader.reach={reach}: pass a whole number from {scale} up")
        if not (sigma > 0 and noise >= 0):
            raise InputError(f"degrader.sigma={sigma} and noise={noise}: pass a positive number, and one from 0 up")
        side = 2 * reach + scale % 2  # as even or odd as the scale: the middle of two pixels lies between them
        squares = (torch.arange(side) - (side - 1) / 2).square() / (2 * (sigma * scale) ** 2)
        self.logits = nn.Parameter(-(squares[:, None] + squares))
        self.strength = nn.Parameter(torch.tensor(math.sqrt(noise)), requires_grad=noise > 0)

    def kernel(self) -> Tensor:
        """(side, side), positive, of sum 1, equal to itself turned by 180 degrees."""
        kernel = self.logits.flatten().softmax(0).view_as(self.logits)
        return (kernel + kernel.flip(0, 1)) / 2

    def forward(self, hr: Tensor, noise: Tensor) -> Tensor:
        kernel = self.kernel().to(hr.dtype)
        around = (len(kernel) - self.scale) // 2
        image = F.pad(hr, (around,) * 4, mode="reflect")
        lr = F.conv2d(image, kernel.expand(self.channels, 1, -1, -1), stride=self.scale, groups=self.channels)
        return lr + self.strength.square() * noise[..., :: self.scale, :: self.scale].to(hr.dtype)
