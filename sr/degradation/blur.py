"""Gaussian blur, isotropic or anisotropic, with a separate kernel for each sample.

Anisotropic kernels: SRMD (Zhang et al. 2018, arXiv 1712.06116, section 3.1); ranges: Real-ESRGAN (Wang et al. 2021,
arXiv 2107.10833, section 4.1).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.draws import Draws
from sr.functional.leading import for_each_frame, pictures, restored
from sr.functional.ranges import checked, levels_of, probability
from sr.functional.resize import pad_symmetric

_UNIT = 2**16
_EXACT = 255  # levels for which products and sums fit float32's 24 bits; others are summed in float64


def gaussian_kernel(sigma_x: Tensor, sigma_y: Tensor, theta: Tensor, kernel_size: int) -> Tensor:
    """Gaussians (N, k, k) that sum to 1, from (N,) each: sigma in pixels along axes turned by theta radians.

    Sampled at pixel centres, like MATLAB's fspecial('gaussian'). Weights are multiples of 2**-16: products with 8-bit pixels
    and their sums fit float32's 24 bits, so a sample's pixels do not depend on the batch. The rounding error is below 0.05
    of an 8-bit level.
    """
    axis = torch.arange(kernel_size, device=theta.device) - kernel_size // 2
    y, x = axis.view(-1, 1), axis
    cos, sin = theta.cos().view(-1, 1, 1), theta.sin().view(-1, 1, 1)
    u, v = cos * x + sin * y, cos * y - sin * x
    kernel = torch.exp(-0.5 * ((u / sigma_x.view(-1, 1, 1)) ** 2 + (v / sigma_y.view(-1, 1, 1)) ** 2))
    kernel = (kernel / kernel.sum((1, 2), keepdim=True) * _UNIT).round()
    middle = kernel_size // 2
    kernel[:, middle, middle] += _UNIT - kernel.sum((1, 2))  # the rounding error: a flat image stays unchanged
    return kernel / _UNIT


def filter_batch(image: Tensor, kernel: Tensor) -> Tensor:
    """Correlate each image of (N, C, H, W) with its own kernel of (N, k, k), symmetrically padded; the same for all bands."""
    n, c, h, w = image.shape
    k = kernel.shape[-1]
    image = pad_symmetric(pad_symmetric(image, -2, k // 2, k // 2), -1, k // 2, k // 2)
    weight = kernel.to(image.dtype).repeat_interleave(c, dim=0).unsqueeze(1)
    with torch.autocast(image.device.type, enabled=False):
        return F.conv2d(image.reshape(1, n * c, *image.shape[-2:]), weight, groups=n * c).view(n, c, h, w)


class Blur(nn.Module):
    """Blur quantised (N, C, H, W) in [0, 1] by a random Gaussian per sample; the result is not rounded.

    All frames of a clip (N, T, C, H, W) get the same kernel.

    Args:
        kernel_size: side of the kernel, odd.
        sigma: range of the standard deviation, uniform, in HR pixels; of both axes if the kernel is anisotropic.
        sigma_y: range of the second axis, if it differs from the first one's.
        theta: range of the angle in radians, uniform.
        isotropic_probability: probability that both axes are equal.
        levels: levels of the image, 255 for 8 bit; None: no levels, used unchanged.
    """

    def __init__(
        self,
        kernel_size: int = 21,
        sigma: Sequence[float] = (0.2, 3.0),
        sigma_y: Sequence[float] | None = None,
        theta: Sequence[float] = (0.0, np.pi),
        isotropic_probability: float = 1.0,
        levels: int | None = 255,
    ) -> None:
        super().__init__()
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise InputError(f"kernel_size must be odd and positive, got {kernel_size}")
        self.kernel_size = kernel_size
        self.sigma = checked("sigma", sigma, 0.01, 1000)
        self.sigma_y = self.sigma if sigma_y is None else checked("sigma_y", sigma_y, 0.01, 1000)
        self.theta = checked("theta", theta, -2 * np.pi, 2 * np.pi)
        self.isotropic_probability = probability("isotropic_probability", isotropic_probability)
        self.scale, self.margin, self.levels = 1, kernel_size // 2, levels_of(levels)

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"sigma_x", "sigma_y", "theta"}: float32 (count,) each."""
        sigma_x, sigma_y, theta = draws.uniform(*self.sigma), draws.uniform(*self.sigma_y), draws.uniform(*self.theta)
        isotropic = draws.uniform() < self.isotropic_probability
        parameters = {"sigma_x": sigma_x, "sigma_y": np.where(isotropic, sigma_x, sigma_y), "theta": theta}
        return {name: value.astype(np.float32) for name, value in parameters.items()}

    def told(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """{"kernel": (N, 1, k, k)}, which sums to 1."""
        return {"kernel": gaussian_kernel(**parameters, kernel_size=self.kernel_size).unsqueeze(1)}

    def words(self, parameters: dict[str, Any]) -> str:
        axes = list(dict.fromkeys(f"{parameters[name]:.1f}" for name in ("sigma_x", "sigma_y")))
        return f"blur sigma {'x'.join(axes)}"

    def forward(self, hr: Tensor, parameters: dict[str, Tensor]) -> Tensor:
        kernel = gaussian_kernel(**parameters, kernel_size=self.kernel_size)
        image, levels = pictures(hr), self.levels or 1
        image = (image * levels).round() if self.levels else image  # whole numbers, for exact sums
        image = image if self.levels and self.levels <= _EXACT else image.double()
        blurred = filter_batch(image, for_each_frame(kernel, hr)) / levels
        return restored(blurred.to(hr.dtype), hr)
