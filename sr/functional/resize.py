"""MATLAB's imresize: bit-exact on uint8 images, differentiable on float images, on any device.

The LR files of Set5, Set14, B100, Urban100 and DIV2K are MATLAB imresize of uint8 images. MATLAB resizes one dimension after
the other and rounds to uint8 after each; implementations that round once at the end differ in 10-15 % of the pixels.
"""

import math
from functools import lru_cache
from typing import Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from sr.errors import InputError
from sr.functional.leading import check_leading

Kernel = Literal["cubic", "lanczos3", "bilinear"]
Array = TypeVar("Array", np.ndarray, Tensor)
# Pixels of a row times those of its result: of small patches, whose time is that of calls, not of arithmetic. There the taps
# are one product of matrices in float64, which is exact too, and which autocast leaves alone.
_DENSE = 1500


def imresize(
    image: Tensor,
    scale: float | None = None,
    size: tuple[int, int] | None = None,
    *,
    rounding: bool | int | None = False,
    kernel: Kernel = "cubic",
    antialias: bool = True,
) -> Tensor:
    """Resize (N, C, H, W) by `scale` to (N, C, ceil(H * scale), ceil(W * scale)), or to `size` (h, w), as MATLAB does.

    Clips (N, T, C, H, W) are resized frame by frame; any number of channels, each separately.

    rounding=False or None: a float image, any range; differentiable, not clipped.
    rounding=True or 255: `image` is quantised to uint8 (multiples of 1/255 in [0, 1]); the result of each pass is rounded
    half up and clipped, so the output is quantised too and equals imresize of a uint8 image in every bit.
    rounding=65535, or another number of levels: the same for those levels; 65535 is MATLAB's imresize of a uint16 image.
    `antialias` widens the kernel for downscaling. InputError: both or neither of scale and size, or not positive.
    """
    check_leading(image)
    if not image.is_floating_point():
        raise InputError(f"expected a float image, got {image.dtype} {tuple(image.shape)}")
    if (scale is None) == (size is None):
        raise InputError(f"pass either scale or size, got scale={scale} and size={size}")
    if min((scale,) if size is None else size) <= 0:
        raise InputError(f"scale and size must be positive, got scale={scale}, size={size}")
    if kernel not in _KERNELS:
        raise InputError(f"unknown kernel {kernel!r}; choose one of {', '.join(_KERNELS)}")
    length = image.shape[-2:]
    size = size or tuple(_enlarged(n, scale) for n in length)
    scales = [scale or size[i] / length[i] for i in (0, 1)]
    x = image.float() if image.dtype in (torch.float16, torch.bfloat16) else image
    levels = 255 if rounding is True else rounding or None
    x = (x * levels).round_() if levels else x
    for i in sorted((0, 1), key=lambda i: scales[i]):  # the dimension with the smallest scale first; on a tie, the rows
        if scales[i] != 1 or size[i] != length[i]:
            x = _resize_dim(x, i - 2, size[i], float(scales[i]), levels, kernel, antialias)
    return (x / levels if levels else x).to(image.dtype)


def _enlarged(n: int, scale: float) -> int:
    """ceil(n * scale). Whole factors are exact, also where n is the symbol of a graph that is being traced."""
    if scale == round(scale):
        return n * round(scale)
    return math.ceil(n * scale - 1e-9)  # 3 * (1 / 3) and similar must not gain a pixel from the last bit of the product


def pad_symmetric(x: Tensor, dim: int, before: int, after: int) -> Tensor:
    """Mirror `x` along `dim` with the edge pixel repeated (MATLAB's 'symmetric', scipy's 'reflect'), to any width."""
    if not isinstance(n := x.shape[dim], int):  # a graph for any size is traced, which keeps no loop
        length = torch.full((1,), n, device=x.device)  # a tensor: ONNX has no remainder by the symbol of a size
        return x.index_select(dim, mirrored(torch.arange(-before, n + after, device=x.device), length))
    while before or after:  # once, unless the image is narrower than the padding
        n = x.shape[dim]
        b, a = min(before, n), min(after, n)
        x = torch.cat([x.narrow(dim, 0, b).flip(dim), x, x.narrow(dim, n - a, a).flip(dim)], dim)
        before, after = before - b, after - a
    return x


def mirrored(index: Array, length: int) -> Array:
    """Integer indices reflected into [0, length), repeatedly if needed, with repeated edges: -1 -> 0, length -> length - 1.

    For a NumPy array or a tensor; `pad_symmetric` gives the same pixels.
    """
    index = index % (2 * length)
    return index + (index >= length) * (2 * length - 1 - 2 * index)


def _resize_dim(x: Tensor, dim: int, out: int, scale: float, levels: int | None, kernel: Kernel, antialias: bool) -> Tensor:
    n = x.shape[dim]
    # Weights of a whole factor repeat, whatever n is: a graph for any size is traced with those of a fixed one.
    traced = not isinstance(n, int) and scale == round(scale)
    unit, step, phases = _phases(*((16, 16 * round(scale)) if traced else (n, out)), scale, kernel, antialias)
    dtype = x.dtype
    if levels:
        # At integer scales all weights are multiples of 1/unit. In these units the sums are exact in any order: in float32
        # if |sum| < 2 * (levels + 1) units fits its 24 bits (8 bit: /2 to /7, x2 to x8), otherwise in float64. Ties round
        # up on every device, as in MATLAB's files. At other scales the weights are not multiples: float64, like MATLAB.
        dtype = torch.float32 if 1 < unit <= 2**24 / (2 * (levels + 1)) else torch.float64
    if levels and unit > 1 and isinstance(n, int) and n * out <= _DENSE and x.device.type == "cpu":
        weights = _dense(n, out, scale, kernel, antialias)
        y = torch.matmul(x.double(), weights.t()) if dim == -1 else torch.matmul(weights, x.double())
        return y.div_(unit).add_(0.5).floor_().clamp_(0, levels).to(dtype)
    x = x.to(dtype)
    if phases:
        count, factor = -(-out // len(phases)), 1 if levels else unit
        parts = [_strided(x, dim, count, first, step, [w / factor for w in weights]) for first, weights in phases]
        y = parts[0] if len(parts) == 1 else torch.stack(parts, dim).flatten(dim - 1, dim).narrow(dim, 0, out)
    else:
        indices, columns = _table(n, out, scale, kernel, antialias, bool(levels), dtype, x.device)
        shape = (-1,) + (1,) * (-1 - dim)
        y = sum(x.index_select(dim, i) * w.view(shape) for i, w in zip(indices, columns, strict=True))
    return y.div_(unit).add_(0.5).floor_().clamp_(0, levels) if levels else y


@lru_cache(maxsize=64)
def _dense(n: int, out: int, scale: float, kernel: Kernel, antialias: bool) -> Tensor:
    """The weights of all pixels of a row for each pixel of the result, float64 (out, n), in units."""
    first, weights, *_ = contributions(n, out, scale, kernel, antialias)
    indices = mirrored(first[:, None] + np.arange(weights.shape[1]), n)
    matrix = np.zeros((out, n))
    np.add.at(matrix, (np.arange(out)[:, None], indices), weights)
    with torch.inference_mode(False):
        return torch.from_numpy(matrix)


def _strided(x: Tensor, dim: int, count: int, first: int, step: int, weights: list[float]) -> Tensor:
    """Sum over the taps k of weights[k] * x[first + k + step * (0 .. count - 1)] along `dim`, linear in the image."""
    if dim == -1 and step > 1:  # a tap takes every step-th pixel: contiguous memory for rows, but not for columns
        return _strided(x.transpose(-1, -2).contiguous(), -2, count, first, step, weights).transpose(-1, -2)
    last = first + len(weights) + step * (count - 1)
    before, after = max(-first, 0), max(last - x.shape[dim], 0)
    x, first = pad_symmetric(x, dim, before, after), first + before
    taps = [slice(first + k, first + k + step * (count - 1) + 1, step) for k in range(len(weights))]
    views = [x[(..., tap) + (slice(None),) * (-1 - dim)] for tap in taps]
    # Multiply and add instead of a convolution or matmul, which autocast turns into bf16 or TF32.
    y = views[0] * weights[0]
    for view, weight in zip(views[1:], weights[1:], strict=True):
        y.add_(view, alpha=weight)
    return y


def cubic(x: Array) -> Array:
    """Keys' cubic convolution, a = -0.5 (Keys 1981, eq. 15), for a NumPy array or a tensor."""
    x = abs(x)
    return (1.5 * x**3 - 2.5 * x**2 + 1) * (x <= 1) + (-0.5 * x**3 + 2.5 * x**2 - 4 * x + 2) * ((x > 1) & (x <= 2))


def _lanczos3(x: np.ndarray) -> np.ndarray:
    return np.sinc(x) * np.sinc(x / 3) * (np.abs(x) < 3)


def _bilinear(x: np.ndarray) -> np.ndarray:
    return np.maximum(1 - np.abs(x), 0)


_KERNELS = {"cubic": (cubic, 4), "lanczos3": (_lanczos3, 6), "bilinear": (_bilinear, 2)}  # function, support


@lru_cache(maxsize=256)
def contributions(n: int, out: int, scale: float, kernel: Kernel, antialias: bool) -> tuple[np.ndarray, np.ndarray, int, int]:
    """MATLAB's contributions: for each output pixel the first input pixel (out,) and weights (out, P); unit and period.

    The weights are integers that sum to unit; if impossible (lanczos3, other scales) they sum to unit = 1.
    """
    function, support = _KERNELS[kernel]
    shrink = min(scale, 1.0) if antialias else 1.0
    centre = (np.arange(out) + 0.5) / scale - 0.5
    first = np.floor(centre - support / shrink / 2 + 1e-9).astype(np.int64) + 1
    indices = first[:, None] + np.arange(math.ceil(support / shrink) + 1)
    weights = function((centre[:, None] - indices) * shrink)
    weights /= weights.sum(1, keepdims=True)
    factor = max(scale, 1 / scale)
    unit = 16 * round(factor) ** 4 if abs(factor - round(factor)) < 1e-9 else 0  # 1.5 (k / 2s)^3 / s = 3 k^3 / 16 s^4
    whole = np.rint(weights * unit)
    if unit and np.abs(weights * unit - whole).max() < 1e-3:
        common = math.gcd(unit, *whole.astype(np.int64).ravel().tolist())
        unit, weights = unit // common, whole / common
    else:
        unit = 1
    used = np.flatnonzero(np.abs(weights).max(0))
    first, weights = first + used[0], weights[:, used[0] : used[-1] + 1]
    return first, weights, unit, _period(first, weights)


def _period(first: np.ndarray, weights: np.ndarray) -> int:
    """Smallest number of output pixels, at most 8, after which weights repeat: 1 for /s, s for xs, 0 if none."""
    for period in range(1, 9):
        steps = first[period:] - first[:-period]
        if (steps == steps[:1]).all() and np.allclose(weights[period:], weights[:-period], rtol=1e-12, atol=1e-12):
            return period
    return 0


@lru_cache(maxsize=256)
def _phases(
    n: int, out: int, scale: float, kernel: Kernel, antialias: bool
) -> tuple[int, int, tuple[tuple[int, tuple[float, ...]], ...]]:
    """Unit, input pixels per period, and first pixel and weights of each output pixel of a period, if there is one.

    Plain numbers: torch.compile can trace them, but not NumPy.
    """
    first, weights, unit, period = contributions(n, out, scale, kernel, antialias)
    step = int(first[period] - first[0]) if out > period else 1
    return unit, step, tuple((int(first[p]), tuple(weights[p].tolist())) for p in range(min(period, out)))


@lru_cache(maxsize=64)
def _table(
    n: int,
    out: int,
    scale: float,
    kernel: Kernel,
    antialias: bool,
    rounding: bool,
    dtype: torch.dtype,
    device: torch.device,
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Mirrored input indices and weights, P tensors of shape (out,) each, for scales without a short period."""
    first, weights, unit, _ = contributions(n, out, scale, kernel, antialias)
    weights = weights if rounding else weights / unit
    indices = mirrored(first[:, None] + np.arange(weights.shape[1]), n)
    with torch.inference_mode(False):  # created in validation, used in training: autograd refuses inference tensors
        rows = torch.from_numpy(np.ascontiguousarray(indices.T)).to(device)
        columns = torch.from_numpy(np.ascontiguousarray(weights.T)).to(device, dtype)
        return rows.unbind(), columns.unbind()
