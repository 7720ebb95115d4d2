"""Sub-voxel upsampling of volumes, a factor per axis."""

import torch.nn as nn
from torch import Tensor

from sr.errors import InputError
from sr.functional.axes import Factors, factors
from sr.functional.volume import interpolated
from sr.network.upsample import check_channels

SCALES = (2, 3, 4)


def checked(scale: int, axes: object, channels: int) -> tuple[Factors, int]:
    """Factors and channels of a volume network. InputError: a scale that is not supported, unknown axes or channels."""
    if scale not in SCALES:
        raise InputError(f"scale {scale!r} is not supported; choose one of {', '.join(map(str, SCALES))}")
    return factors(scale, axes), check_channels(channels)


def voxel_shuffle(x: Tensor, by: Factors) -> Tensor:
    """(N, C * fD * fH * fW, D, H, W) -> (N, C, fD * D, fH * H, fW * W): pixel shuffle (arXiv:1609.05158) in three dimensions.

    With factors (1, f, f) each slice is torch's `pixel_shuffle` of it.
    """
    n, channels, *sizes = x.shape
    x = x.view(n, -1, *by, *sizes).permute(0, 1, 5, 2, 6, 3, 7, 4)
    return x.reshape(n, channels // (by[0] * by[1] * by[2]), *(f * size for f, size in zip(by, sizes, strict=True)))


class VoxelUpsampler(nn.Module):
    """Features (N, n_feats, D, H, W) and LR -> (N, channels, fD, fH, fW): LR by trilinear interpolation, plus what one
    convolution and a voxel shuffle add."""

    def __init__(self, *, by: Factors, n_feats: int, channels: int) -> None:
        super().__init__()
        self.by = by
        self.conv = nn.Conv3d(n_feats, channels * by[0] * by[1] * by[2], 3, padding=1)
        nn.init.kaiming_uniform_(self.conv.weight, a=50)  # a tenth of torch's default: training starts near interpolation
        nn.init.zeros_(self.conv.bias)

    def forward(self, features: Tensor, lr: Tensor) -> Tensor:
        # Not `+=`: under autocast the convolution's result is bfloat16, and only a new tensor is promoted to float32.
        return interpolated(lr, self.by) + voxel_shuffle(self.conv(features), self.by)
