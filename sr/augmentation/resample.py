"""Downscales each image of a batch by its own factor, antialiased like MATLAB's imresize, on any device."""

import torch
from torch import Tensor

from sr.functional.resize import cubic, mirrored

# Weights are multiples of 1/_UNIT: products with 8-bit pixels and their sums fit float32's 24 bits, so an image's pixels do
# not depend on the batch. The error is below 0.05 of an 8-bit level.
_UNIT = 2**14


def weights(centre: Tensor, factor: Tensor, length: int, smallest: float) -> Tensor:
    """The weight of each of `length` input pixels in each output pixel, (N, out, length): whole numbers with sum 2**14.

    Keys' cubic kernel, widened by 1/factor; borders are mirrored (as in `sr.functional.resize.imresize`).

    Args:
        centre: (N, out) float64, position of each output pixel's centre among the input pixels.
        factor: (N,) float64, output pixels per input pixel, in [smallest, 1].
    """
    factor = factor.view(-1, 1, 1)
    centre = centre.unsqueeze(-1)
    taps = torch.arange(int(4 / smallest) + 2, device=centre.device)
    index = (centre - 2 / factor).floor().long() + 1 + taps
    weight = cubic((centre - index) * factor)
    weight = (weight / weight.sum(-1, keepdim=True) * _UNIT).round()
    rest = _UNIT - weight.sum(-1, keepdim=True)  # the rounding error: a flat image stays unchanged
    weight = weight.scatter_add(-1, weight.argmax(-1, keepdim=True), rest)
    matrix = torch.zeros(*centre.shape[:2], length, dtype=torch.float64, device=centre.device)
    return matrix.scatter_add_(-1, mirrored(index, length), weight)


def resample(image: Tensor, rows: Tensor, columns: Tensor, levels: int | None = 255) -> Tensor:
    """(N, C, H, W), quantised -> (N, C, out, out): rows, then columns, rounded to the levels after each.

    levels=None: an image without levels in [0, 1]; neither rounded nor clipped.
    """
    # A GPU may multiply float32 with fewer bits (TF32), but never float64.
    dtype = torch.float64 if image.is_cuda or levels is None or levels > 255 else torch.float32
    with torch.autocast(image.device.type, enabled=False):
        pixels = (image * levels).round().to(dtype) if levels else image.to(dtype)
        pixels = _rounded(rows.to(dtype).unsqueeze(1) @ pixels, levels)
        pixels = _rounded(pixels @ columns.to(dtype).unsqueeze(1).transpose(-1, -2), levels)
        return (pixels / (levels or 1)).to(image.dtype)


def _rounded(pixels: Tensor, levels: int | None) -> Tensor:
    return (pixels / _UNIT + 0.5).floor_().clamp_(0, levels) if levels else pixels / _UNIT
