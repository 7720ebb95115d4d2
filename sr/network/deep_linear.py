"""A deep linear network: a blur kernel written as a product of convolutions, as KernelGAN learns it from one image.

Bell-Kligler, Shocher, Irani: Blind Super-Resolution Kernel Estimation using an Internal-GAN, 2019, arXiv:1909.06581,
section 4.1. Enlargement by iterative back-projection: Irani and Peleg 1991, doi:10.1016/1049-9652(91)90045-L.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.resize import imresize
from sr.network.upsample import check_channels


class DeepLinear(nn.Module):
    """(N, C, H, W) in [0, 1] -> (N, C, sH, sW): what the kernel, after bicubic interpolation, makes LR of again.

    Convolutions without bias and activation are one convolution: `kernel`, of side 1 + sum(side - 1), the same for all bands.
    They are trained as a downscaler (`downscaled`, model=kernelgan); `forward` enlarges with the kernel that they have.

    Args:
        scale: HR pixels per LR pixel.
        channels: bands.
        n_feats: features between the convolutions.
        kernel_sizes: their sides.
        steps: of back-projection.

    Raises:
        InputError: a scale below 1, sides that are even or missing, a number below 1.
    """

    def __init__(
        self,
        *,
        scale: int = 2,
        channels: int = 3,
        n_feats: int = 64,
        kernel_sizes: Sequence[int] = (7, 5, 3, 1, 1, 1),
        steps: int = 10,
    ) -> None:
        super().__init__()
        if type(scale) is not int or scale < 1:
            raise InputError(f"scale {scale!r} is not supported; choose a whole number from 1 up")
        if not kernel_sizes or any(type(side) is not int or side < 1 or side % 2 == 0 for side in kernel_sizes):
            raise InputError(f"network.kernel_sizes={list(kernel_sizes)}: pass odd sides from 1 up")
        if n_feats < 1 or steps < 0:
            raise InputError(f"network: n_feats={n_feats} must be at least 1 and steps={steps} at least 0")
        self.scale, self.channels, self.multiple_of = scale, check_channels(channels), 1
        self.kernel_size, self.steps = 1 + sum(side - 1 for side in kernel_sizes), steps
        widths = [1, *[n_feats] * (len(kernel_sizes) - 1), 1]
        self.layers = nn.Sequential(
            *(nn.Conv2d(a, b, side, bias=False) for a, b, side in zip(widths, widths[1:], kernel_sizes, strict=False))
        )
        for layer in self.layers:
            nn.init.xavier_normal_(layer.weight, 0.1)

    def kernel(self) -> Tensor:
        """(k, k): correlated with an image, it does what all layers do. Differentiable; in float32."""
        with torch.autocast(self.layers[0].weight.device.type, enabled=False):
            made = F.pad(self.layers[0].weight.new_ones(1, 1, 1, 1), [self.kernel_size - 1] * 4)
            return self.layers(made)[0, 0].flip((0, 1))

    def downscaled(self, hr: Tensor, kernel: Tensor) -> Tensor:
        """Every s-th pixel of hr (N, C, H, W) correlated with the kernel, without padding: (H - k) // s + 1 rows.

        Thirty times less work than layer by layer, which gives the same.
        """
        n, c, height, width = hr.shape
        made = F.conv2d(hr.reshape(n * c, 1, height, width), kernel[None, None], stride=self.scale)
        return made.unflatten(0, (n, c))[:, :, 0]

    def forward(self, lr: Tensor) -> Tensor:
        s, before, kernel = self.scale, self.kernel_size // 2, self.kernel()
        after = max(self.kernel_size - before - s, 0)
        size = (lr.shape[-2] * s, lr.shape[-1] * s)
        sr = imresize(lr, size=size)
        for _ in range(self.steps):
            again = self.downscaled(F.pad(sr, [before, after] * 2, mode="replicate"), kernel)
            sr = sr + imresize(lr - again, size=size)
        return sr
