"""Linear maps along one axis with short support: filters and resizing, applied to rows and columns as matrix products.

A band gives for each output pixel the `taps` input pixels and their weights. A filter followed by a resize is again one
band, so a blur before a resize computes only the pixels that the resize needs.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Mode = Literal["area", "bilinear", "bicubic", "box", "matlab"]
_BLOCK = 64  # output pixels per matrix product: larger blocks contain more zeros around the band, smaller ones need more calls


@dataclass(frozen=True)
class Band:
    """Output pixel o is the sum over k of weights[o, k] * input[first[o] + k]; `first` is ascending."""

    first: np.ndarray  # int64 (outputs,)
    weights: np.ndarray  # float64 (outputs, taps)

    @property
    def begin(self) -> int:
        return int(self.first[0])

    @property
    def end(self) -> int:
        return int(self.first[-1]) + self.weights.shape[1]

    def after(self, kernel: np.ndarray) -> "Band":
        """This band after a correlation with `kernel` (odd length), as one band."""
        taps, reach = self.weights.shape[1], len(kernel) // 2
        weights = np.zeros((len(self.first), taps + 2 * reach))
        for k, weight in enumerate(kernel):
            weights[:, k : k + taps] += weight * self.weights
        return Band(self.first - reach, weights)

    def dense(self, begin: int, end: int) -> np.ndarray:
        """The float32 matrix (outputs, end - begin) for the input pixels begin .. end - 1, which include all that it
        needs."""
        matrix = np.zeros((len(self.first), end - begin), np.float32)
        columns = self.first[:, None] - begin + np.arange(self.weights.shape[1])
        matrix[np.arange(len(self.first))[:, None], columns] = self.weights
        return matrix


def identity(begin: int, end: int) -> Band:
    """The identity for the pixels begin .. end - 1."""
    return Band(np.arange(begin, end), np.ones((end - begin, 1)))


def resized(mode: Mode, ratio: float, begin: int, end: int) -> Band:
    """Output pixels begin .. end - 1 of a resize; `ratio` is the width of an output pixel in input pixels.

    area: the mean of the input pixels that an output pixel touches, as in torch's interpolate and adaptive pooling.
    bilinear, bicubic: 2 and 4 input pixels around the centre without antialiasing, a = -0.75, as in torch and OpenCV.
    box: the mean over the output pixel's own area, as OpenCV's INTER_AREA, also for enlarging.
    matlab: cubic with a = -0.5, widened for downscaling (MATLAB's imresize).
    """
    index = np.arange(begin, end)
    centre = (index + 0.5) * ratio - 0.5
    if mode == "area" or (mode == "box" and ratio > 1):
        low, high = index * ratio, (index + 1) * ratio
        first, last = np.floor(low + 1e-9).astype(np.int64), np.ceil(high - 1e-9).astype(np.int64)
        pixels = first[:, None] + np.arange((last - first).max())
        if mode == "area":
            weights = (pixels < last[:, None]).astype(np.float64)
        else:
            weights = np.clip(np.minimum(pixels + 1, high[:, None]) - np.maximum(pixels, low[:, None]), 0, 1)
    elif mode == "box":
        first = np.floor(index * ratio + 1e-9).astype(np.int64)
        share = np.maximum((index + 1) - (first + 1) / ratio, 0)
        weights = np.stack([1 - share, share], 1)
    elif mode == "matlab":
        wide = max(ratio, 1.0)
        first = np.floor(centre - 2 * wide + 1e-9).astype(np.int64) + 1
        weights = _cubic((centre[:, None] - first[:, None] - np.arange(math.ceil(4 * wide) + 1)) / wide, -0.5)
    else:
        first = np.floor(centre).astype(np.int64) - (mode == "bicubic")
        offset = centre[:, None] - first[:, None] - np.arange(4 if mode == "bicubic" else 2)
        weights = _cubic(offset, -0.75) if mode == "bicubic" else 1 - np.abs(offset)
    return Band(first, weights / weights.sum(1, keepdims=True))


def _cubic(x: np.ndarray, a: float) -> np.ndarray:
    x = np.abs(x)
    near, far = ((a + 2) * x - (a + 3)) * x * x + 1, a * (((x - 5) * x + 8) * x - 4)
    return near * (x <= 1) + far * ((x > 1) & (x < 2))


def apply(image: Tensor, rows: list[Tensor], columns: list[Tensor], spans: tuple[list, list]) -> Tensor:
    """The sum over r of rows[r] @ image @ columns[r].T for each channel of (M, H, W): (M, outputs, outputs).

    Args:
        rows, columns: dense matrices (outputs, inputs), on the image's device.
        spans: for rows and columns the blocks of outputs and the inputs that they need, see `blocks`.
    """
    with torch.autocast(image.device.type, enabled=False):
        if image.is_cuda:
            return sum(r @ image @ c.T for r, c in zip(rows, columns, strict=True))
        m, _, w = image.shape
        flat = image.new_empty(m * len(rows[0]), len(columns[0]))
        part = image.new_empty(m, len(rows[0]), w)
        for term, (row, column) in enumerate(zip(rows, columns, strict=True)):
            for begin, end, low, high in spans[0]:
                for channel, target in zip(image, part, strict=True):
                    torch.mm(row[begin:end, low:high], channel[low:high], out=target[begin:end])
            taken = part.view(-1, w)
            for begin, end, low, high in spans[1]:
                block, weights = flat[:, begin:end], column[begin:end, low:high].T
                if term == 0:
                    torch.mm(taken[:, low:high], weights, out=block)
                else:
                    block.addmm_(taken[:, low:high], weights)
        return flat.view(m, len(rows[0]), len(columns[0]))


def blocks(band: Band, begin: int) -> list[tuple[int, int, int, int]]:
    """(first output, last output + 1, first input, last input + 1) of each block; inputs count from `begin`."""
    found, taps = [], band.weights.shape[1]
    for start in range(0, len(band.first), _BLOCK):
        stop = min(start + _BLOCK, len(band.first))
        found.append((start, stop, int(band.first[start]) - begin, int(band.first[stop - 1]) + taps - begin))
    return found
