"""Unsharp masking of HR, which Real-ESRGAN uses for LR and as training target (arXiv:2107.10833, section 3.4)."""

import numpy as np
import torch
from torch import Tensor

from sr.degradation.region import Region, crop
from sr.degradation.stage import Operation, Parameters, Stage
from sr.errors import InputError
from sr.functional.band import Band, Span, apply
from sr.functional.ranges import probability, switch


class Sharpen(Stage):
    """Add `weight` times what a wide Gaussian removes, where that is more than `threshold`; images in [0, 1], clipped.

    The mask of these places is blurred by the same Gaussian. Pictures are mirrored at the edge of the given region.

    Args:
        weight: factor of the added difference.
        threshold: in 255ths of the range.
        kernel_size: side of the Gaussian in pixels, odd; sigma is OpenCV's for that side, 8 for 51.
        target: whether the sharpened image is the training target (Real-ESRGAN's gt_usm); LR is always made from it.
        discriminator: whether a discriminator uses the sharpened image as real too (Real-ESRGAN's gan_gt_usm).
    """

    def __init__(
        self,
        weight: float = 0.5,
        threshold: float = 10.0,
        kernel_size: int = 51,
        target: bool = True,
        discriminator: bool = False,
    ) -> None:
        super().__init__()
        if kernel_size < 3 or kernel_size % 2 == 0:
            raise InputError(f"kernel_size must be odd and at least 3, got {kernel_size}")
        self.weight, self.threshold = probability("weight", weight), threshold
        self.target, self.discriminator = switch("target", target), switch("discriminator", discriminator)
        sigma = 0.3 * ((kernel_size - 1) * 0.5 - 1) + 0.8
        axis = np.arange(kernel_size) - kernel_size // 2
        weights = np.exp(-0.5 * (axis / sigma) ** 2)
        self.sigma = float(np.sqrt((weights * axis**2).sum() / weights.sum()))  # of what is left within the kernel

    def targets(self, parameters: Parameters) -> list[Stage]:
        return [self] if self.target else []

    def plan(self, parameters: Parameters, step: float) -> list[Operation]:
        return [_Sharpened(step, self)]

    def words(self, parameters: Parameters) -> str:
        return "sharpened HR"


class _Sharpened(Operation):
    """A wide Gaussian is a mean of 2 x 2 pixels and two narrower ones after each other; between them fewer pixels are enough.

    Each Gaussian has about half of the variance, and after the first every fourth pixel is kept (of sigma 8: half a sigma).
    The result is within 0.1 levels of the kernel's on photographs.
    """

    def __init__(self, step: float, stage: Sharpen) -> None:
        super().__init__(step)
        self.stage, self.stride = stage, max(1, round(stage.sigma / 4))  # in pixels of the means
        self._spans: list[list[Span]] = []
        self._padded = Region(0, 0, 0, 0)

    def constants(self, given: Region, wanted: Region, block: int | None) -> list[np.ndarray]:
        sides = ((wanted.top, wanted.bottom), (wanted.left, wanted.right))
        variance = self.stage.sigma**2 / 2  # of each
        up = [_gaussian(np.arange(*side), 0.5 / self.stride, np.sqrt(variance) / (2 * self.stride)) for side in sides]
        narrow = np.sqrt(max(variance - 0.25, 0.05)) / 2  # a mean of two pixels has a variance of a quarter
        down = [_gaussian(np.arange(band.begin, band.end), self.stride, narrow) for band in up]
        self._padded = Region(down[0].begin, down[0].end, down[1].begin, down[1].end).times(2)
        found = [band.matrices(band.begin, block) for band in (*down, *up)]
        self._spans = [spans for _, spans in found]
        return [matrices for matrices, _ in found]

    def apply(self, image: Tensor, given: Region, wanted: Region, constants: list[Tensor]) -> Tensor:
        picture = image.flatten(0, 1)
        residual = picture - self._blurred(picture, wanted, constants)
        size = residual.abs()
        mask = self._blurred(torch.gt(size, self.stage.threshold / 255, out=size), wanted, constants)
        sharp = residual.mul_(self.stage.weight).add_(picture).clamp_(0, 1)
        return torch.lerp(picture, sharp, mask).unflatten(0, image.shape[:2])

    def _blurred(self, picture: Tensor, wanted: Region, constants: list[Tensor]) -> Tensor:
        first, second, third, fourth = zip(constants, self._spans, strict=True)
        padded = crop(picture, wanted, self._padded)
        means = padded[:, ::2] + padded[:, 1::2]
        means = (means[..., ::2] + means[..., 1::2]).mul_(0.25)
        return apply(apply(means, first, second), third, fourth)


def _gaussian(outputs: np.ndarray, ratio: float, sigma: float) -> Band:
    """A Gaussian of `sigma` input pixels at each output pixel, which is `ratio` input pixels wide."""
    centre, reach = (outputs + 0.5) * ratio - 0.5, 3.3 * sigma
    first = np.ceil(centre - reach).astype(np.int64)
    weights = np.exp(-0.5 * ((first[:, None] + np.arange(int(2 * reach) + 1) - centre[:, None]) / sigma) ** 2)
    return Band(first, weights / weights.sum(1, keepdims=True))
