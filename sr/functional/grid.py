"""Strength of periodic patterns at the period of a network's upsampling: the checkerboard of strides.

Odena, Dumoulin, Olah: Deconvolution and Checkerboard Artifacts, Distill 2016, doi:10.23915/distill.00003.
"""

import torch
from torch import Tensor

from sr.functional.leading import pictures

_PERIODS = 16  # periods in a piece of a row, enough to separate its frequency from neighbouring ones
_LARGEST = 512  # rows and columns that are analysed
_NEAR = range(3, 7)  # bins next to a peak that it does not leak into under a Hann window


def grid(image: Tensor, period: int) -> float:
    """Root mean square amplitude of a pattern of that period in rows or columns of (N, C, H, W), in units of the image.

    It is the power at 1/period and its multiples in excess of that of neighbouring frequencies: edges and textures have
    both, while a network's pattern has only the first. For large images the middle is analysed. 0 for images smaller than 16
    periods, and for period 1, which is not a pattern.
    """
    gray = pictures(image.detach().float()).mean(1)
    top, left = (max(size - _LARGEST, 0) // 2 // period * period for size in gray.shape[-2:])
    gray = gray[:, top : top + _LARGEST, left : left + _LARGEST]
    along = [_excess(part, period) for part in (gray, gray.mT)]
    return float(torch.stack(along).max().clamp(min=0).sqrt())


def _excess(rows: Tensor, period: int) -> Tensor:
    """Mean over the pieces of all rows (N, H, W) of the total squared amplitude at the pattern's frequencies."""
    length = _PERIODS * period
    if period < 2 or rows.shape[-1] < length:
        return rows.new_zeros(())
    pieces = rows.unfold(-1, length, length // 2).flatten(0, -2)
    window = torch.hann_window(length, device=rows.device)
    power = (torch.fft.rfft((pieces - pieces.mean(-1, keepdim=True)) * window).abs() / window.sum()).square().mean(0)
    total = rows.new_zeros(())
    for harmonic in range(1, period // 2 + 1):
        at = harmonic * _PERIODS
        beside = [power[at + sign * step] for step in _NEAR for sign in (-1, 1) if at + sign * step < len(power)]
        sides = 1 if 2 * harmonic == period else 2  # the highest frequency is its own mirror image
        total = total + sides * (power[at] - torch.stack(beside).mean())
    return total
