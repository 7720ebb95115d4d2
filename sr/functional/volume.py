"""Resampling of volumes (N, C, D, H, W): classical interpolation, and filters along one axis."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError
from sr.functional.axes import Factors, check_volume
from sr.functional.resize import pad_symmetric

Kernel = Literal["trilinear", "bspline"]
KERNELS = ("trilinear", "bspline")


def interpolated(lr: Tensor, factors: Factors, kernel: Kernel = "trilinear") -> Tensor:
    """(N, C, D, H, W) -> (N, C, fD, fH, fW); HR voxel i has its centre at (i + 0.5) / f - 0.5 of LR.

    trilinear: torch's; beyond the border the outermost voxel is repeated. bspline: interpolation by cubic B-splines (Unser,
    Aldroubi, Eden 1993, doi:10.1109/78.193220) as scipy.ndimage computes it, in float64 on the host, mirrored at the centre
    of the outermost voxel like SimpleITK's sitkBSpline; not differentiable.
    """
    check_volume(lr)
    if kernel == "trilinear":
        return F.interpolate(lr, scale_factor=[float(f) for f in factors], mode="trilinear", align_corners=False)
    if kernel != "bspline":
        raise InputError(f"unknown kernel {kernel!r}; choose {' or '.join(KERNELS)}")
    made = [[_spline(band, factors) for band in volume] for volume in lr.detach().cpu().double().numpy()]
    return torch.from_numpy(np.array(made, dtype=np.float32)).to(lr.device)


def _spline(volume: np.ndarray, factors: Factors) -> np.ndarray:
    """Axis by axis: the interpolation is separable, and along an axis with factor 1 it changes nothing."""
    from scipy import ndimage  # here: runs on pictures do not need it

    for axis, factor in enumerate(factors):
        if factor > 1 and volume.shape[axis] == 1:
            volume = np.repeat(volume, factor, axis)
        elif factor > 1:
            volume = _sampled(ndimage.spline_filter1d(volume, order=3, axis=axis, mode="mirror"), axis, factor)
    return volume


def _sampled(coefficients: np.ndarray, axis: int, factor: int) -> np.ndarray:
    """The spline of these coefficients at the centres of `factor` times as many voxels."""
    length = coefficients.shape[axis]
    centre = (np.arange(length * factor) + 0.5) / factor - 0.5
    first = np.floor(centre).astype(np.int64) - 1
    made = 0.0
    for tap in range(4):
        index = np.abs(first + tap)
        index = np.where(index < length, index, np.abs(2 * (length - 1) - index))
        weight = _cubic_spline(np.abs(centre - (first + tap)))
        shape = [-1 if dim == axis else 1 for dim in range(3)]
        made = made + np.take(coefficients, index, axis) * weight.reshape(shape)
    return made


def _cubic_spline(x: np.ndarray) -> np.ndarray:
    """The cubic B-spline at distances x >= 0."""
    return np.where(x < 1, 2 / 3 - x**2 + x**3 / 2, np.where(x < 2, (2 - x) ** 3 / 6, 0.0))


def filtered(volume: Tensor, dim: int, weights: Sequence[float], factor: int) -> Tensor:
    """Every `factor`-th value of a filter along `dim`, mirrored at the edges with the outermost voxel repeated.

    Output j is the sum over k of weights[k] * volume[factor * j + k - (len(weights) - factor) / 2]: the weights lie centred
    on the `factor` voxels that output voxel j covers. Their number has the parity of `factor`. Multiplied and added tap by
    tap in a fixed order, so that a part of a volume gives the bits of the whole.
    """
    reach = (len(weights) - factor) // 2
    padded = pad_symmetric(volume, dim, reach, reach)
    count = volume.shape[dim] // factor
    made = None
    for k, weight in enumerate(weights):
        index = [slice(None)] * volume.ndim
        index[dim] = slice(k, k + factor * (count - 1) + 1, factor)
        part = padded[tuple(index)] * weight
        made = part if made is None else made.add_(part)
    return made


def nearest(volume: Tensor, factors: Sequence[int]) -> Tensor:
    """(..., D, H, W), each voxel repeated `factors` times along its axis."""
    for dim, factor in zip((-3, -2, -1), factors, strict=True):
        volume = volume.repeat_interleave(factor, dim) if factor > 1 else volume
    return volume


def middle_planes(volume: Tensor) -> Tensor:
    """(N, C, D, H, W) -> (N, C, S, S): the middle of the coronal plane, in which thick slices are seen, as a square."""
    plane = volume[..., volume.shape[-2] // 2, :]
    side = min(plane.shape[-2:])
    top, left = ((size - side) // 2 for size in plane.shape[-2:])
    return plane[..., top : top + side, left : left + side]
