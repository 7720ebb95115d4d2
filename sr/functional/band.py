"""Linear maps along one axis with short support: filters and resizing, applied to rows and columns as matrix products.

A band says which input pixels each output pixel takes and how they weigh. Filtering and resizing one after the other is one
band again, so a blur before a resize computes only the pixels that the resize takes.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Mode = Literal["area", "bilinear", "bicubic", "box", "matlab"]
Span = tuple[int, int, int, int]  # first output, last output + 1, first input, last input + 1
BLOCK = 64  # output pixels of one product on a CPU: larger blocks hold more zeros around the band, smaller ones are more calls


@dataclass(frozen=True)
class Band:
    """Output pixel o is the sum over k of weights[o, k] * input[first[o] + k]; `first` ascends.

    `terms`: the weights are those of several maps, (terms, outputs, taps), of which each belongs to one of another axis.
    `shifted`: whether all outputs have the same weights, one input pixel further each.
    """

    first: np.ndarray  # int64 (outputs,)
    weights: np.ndarray  # float64 (outputs, taps) or (terms, outputs, taps)
    shifted: bool = False

    @property
    def begin(self) -> int:
        return int(self.first[0])

    @property
    def end(self) -> int:
        return int(self.first[-1]) + self.weights.shape[-1]

    def after(self, kernels: np.ndarray) -> "Band":
        """This band on an axis that was correlated with each of `kernels`, (terms, odd length)."""
        taps, length = self.weights.shape[1], kernels.shape[1]
        weights = np.zeros((len(kernels), len(self.first), taps + length - 1))
        for tap in range(taps):
            weights[:, :, tap : tap + length] += self.weights[:, tap, None] * kernels[:, None]
        return Band(self.first - length // 2, weights, self.shifted)

    def matrices(self, begin: int, block: int | None = BLOCK) -> tuple[np.ndarray, list[Span]]:
        """float32 (blocks, terms, block, inputs), and what each block takes and gives; inputs count from the pixel `begin`.

        One block stands for all where they are alike.

        Args:
            block: output pixels of a block, fewer where it shrinks; None: all.
        """
        count, taps = len(self.first), self.weights.shape[-1]
        ratio = (self.first[-1] - self.first[0]) / max(1, count - 1)  # input pixels from one output to the next
        block = min(max(8, int(block / max(1.0, ratio))) if block else count, count)
        spans = []
        for start in range(0, count, block):
            stop = min(start + block, count)
            spans.append((start, stop, int(self.first[start]) - begin, int(self.first[stop - 1]) + taps - begin))
        weights = self.weights if self.weights.ndim == 3 else self.weights[None]
        made = np.zeros((1 if self.shifted else len(spans), len(weights), block, max(s[3] - s[2] for s in spans)), np.float32)
        for matrix, (start, stop, low, _) in zip(made, spans, strict=False):
            rows = np.arange(stop - start)[:, None]
            matrix[:, rows, self.first[start:stop, None] - begin - low + np.arange(taps)] = weights[:, start:stop]
        return made, spans


def identity(begin: int, end: int) -> Band:
    """Each pixel of begin .. end - 1 as it is."""
    return Band(np.arange(begin, end), np.ones((end - begin, 1)), shifted=True)


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
        pixels = first[:, None] + np.arange(math.ceil(ratio) + 1)
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
        weights = cubic((centre[:, None] - first[:, None] - np.arange(math.ceil(4 * wide) + 1)) / wide, -0.5)
    else:
        first = np.floor(centre).astype(np.int64) - (mode == "bicubic")
        offset = centre[:, None] - first[:, None] - np.arange(4 if mode == "bicubic" else 2)
        weights = cubic(offset, -0.75) if mode == "bicubic" else 1 - np.abs(offset)
    return Band(first, weights / weights.sum(1, keepdims=True))


def points(factor: int, sigma: float, size: int, begin: int, end: int) -> Band:
    """Output pixels begin .. end - 1 of a Gaussian of `size` taps and then every `factor`-th pixel, at the centre of each cell.

    The centre of an even factor's cell lies between two pixels; there the Gaussian is that of both, half and half, as KAIR's
    `shift_pixel` interpolates it.
    """
    taps = np.exp(-0.5 * ((np.arange(size) - size // 2) / sigma) ** 2)
    if factor % 2 == 0:
        taps = np.convolve(taps, (0.5, 0.5))
    first = np.arange(begin, end) * factor + (factor - 1) // 2 - size // 2
    return Band(first, np.tile(taps / taps.sum(), (end - begin, 1)))


def cubic(x: np.ndarray, a: float) -> np.ndarray:
    """Keys' cubic convolution (Keys 1981)."""
    x = np.abs(x)
    near, far = ((a + 2) * x - (a + 3)) * x * x + 1, a * (((x - 5) * x + 8) * x - 4)
    return near * (x <= 1) + far * ((x > 1) & (x < 2))


def apply(image: Tensor, rows: tuple[Tensor, list[Span]], columns: tuple[Tensor, list[Span]]) -> Tensor:
    """The sum over terms of row matrix @ image @ column matrix.T for each picture of (M, H, W): (M, outputs, outputs).

    The result's memory holds row after row, each of all pictures, (outputs, M, outputs): so both axes are large products. An
    image that comes so is not copied. `rows` and `columns` are `Band.matrices`, on the image's device.
    """
    (down, row_spans), (along, column_spans) = rows, columns
    height, width = row_spans[-1][1], column_spans[-1][1]
    m, w = image.shape[0], image.shape[2]
    with torch.autocast(image.device.type, enabled=False):
        stacked = image.transpose(0, 1).reshape(image.shape[1], m * w)
        part, made = image.new_empty(height, m * w), image.new_empty(height * m, width)
        for term in range(down.shape[1]):
            for matrix, (start, stop, low, high) in zip(_each(down, row_spans), row_spans, strict=True):
                torch.mm(matrix[term, : stop - start, : high - low], stacked[low:high], out=part[start:stop])
            taken = part.view(height * m, w)
            for matrix, (start, stop, low, high) in zip(_each(along, column_spans), column_spans, strict=True):
                weights = matrix[term, : stop - start, : high - low].T
                if term == 0:
                    torch.mm(taken[:, low:high], weights, out=made[:, start:stop])
                else:
                    made[:, start:stop].addmm_(taken[:, low:high], weights)
    return made.view(height, m, width).transpose(0, 1)


def _each(matrices: Tensor, spans: list[Span]) -> Tensor:
    """The matrix of each block."""
    return matrices.expand(len(spans), -1, -1, -1)
