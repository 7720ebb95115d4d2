"""Classical interpolation as a network without parameters, so that tables can compare it with trained networks."""

import math
from typing import Literal

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError
from sr.functional.resize import imresize
from sr.network.upsample import check_channels

Kernel = Literal["nearest", "bilinear", "bicubic", "lanczos"]
_imresize = torch.compiler.disable(imresize)  # uses numpy tables, which torch.compile cannot guard
_MATLAB_NAMES = {"bilinear": "bilinear", "bicubic": "cubic", "lanczos": "lanczos3"}


class Interpolation(nn.Module):
    """(N, C, H, W) -> (N, C, sH, sW), or any `size`, by nearest neighbours or by MATLAB's imresize; nothing is trained.

    Works on any number of channels, whatever `channels` says; other code reads that attribute.

    bicubic: a = -0.5, Keys 1981, doi:10.1109/TASSP.1981.1163711. lanczos: three lobes, Duchon 1979,
    doi:10.1175/1520-0450(1979)018<1016:LFIOAT>2.0.CO;2. The result is neither rounded nor clipped.
    InputError: a kernel other than nearest, bilinear, bicubic or lanczos; a scale below 1.
    """

    scales = (0, math.inf)  # not trained, so valid for any scale

    def __init__(self, *, scale: int = 2, channels: int = 3, kernel: Kernel = "bicubic") -> None:
        super().__init__()
        if kernel != "nearest" and kernel not in _MATLAB_NAMES:
            raise InputError(f"unknown kernel {kernel!r}; choose one of nearest, {', '.join(_MATLAB_NAMES)}")
        if scale < 1:
            raise InputError(f"scale {scale!r} is not supported; choose a whole number from 1 up")
        self.scale = scale
        self.channels, self.multiple_of = check_channels(channels), 1
        self.kernel = kernel

    def forward(self, lr: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        if size is None and self.kernel != "nearest" and self.scale == round(self.scale):
            factor = {"scale": self.scale}  # as below; of two sizes a tracer cannot tell that their ratio is whole
        else:
            factor = {"size": size or tuple(round(side * self.scale) for side in lr.shape[-2:])}
        if self.kernel == "nearest":
            return F.interpolate(lr, **factor, mode="nearest-exact")
        return _imresize(lr, **factor, kernel=_MATLAB_NAMES[self.kernel])
