"""Classical interpolation of volumes as networks without parameters, so that tables can compare them with trained ones."""

import torch
import torch.nn as nn
from torch import Tensor

from sr.errors import InputError
from sr.functional.axes import factors
from sr.functional.volume import KERNELS, Kernel, interpolated
from sr.network.upsample import check_channels

_interpolated = torch.compiler.disable(interpolated)  # B-splines are computed by SciPy


class InterpolationVolume(nn.Module):
    """(N, C, D, H, W) -> (N, C, fD, fH, fW) by trilinear or cubic B-spline interpolation (sr/functional/volume.py).

    Nothing is trained. InputError: another kernel, a scale below 1, unknown axes.
    """

    def __init__(
        self, *, scale: int = 2, axes: str | list[int] = "isotropic", channels: int = 1, kernel: Kernel = "trilinear"
    ) -> None:
        super().__init__()
        if kernel not in KERNELS:
            raise InputError(f"unknown kernel {kernel!r}; choose {' or '.join(KERNELS)}")
        self.factors = factors(scale, axes)
        self.scale, self.axes, self.kernel = scale, axes, kernel
        self.channels, self.multiple_of = check_channels(channels), 1

    def forward(self, lr: Tensor) -> Tensor:
        return _interpolated(lr, self.factors, self.kernel)
