"""Unsharp masking of HR, which Real-ESRGAN uses for LR and as training target (arXiv:2107.10833, section 3.4)."""

import numpy as np
import torch
from torch import Tensor

from sr.degradation.filter import Linear
from sr.degradation.region import Region, crop
from sr.degradation.stage import Operation, Parameters, Stage
from sr.errors import InputError
from sr.functional.ranges import probability


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
        self.weight, self.threshold, self.target = probability("weight", weight), threshold, target
        self.discriminator = discriminator
        sigma = 0.3 * ((kernel_size - 1) * 0.5 - 1) + 0.8
        axis = np.exp(-0.5 * ((np.arange(kernel_size) - kernel_size // 2) / sigma) ** 2)
        self.kernel = axis / axis.sum()

    def targets(self, parameters: Parameters) -> list[Stage]:
        return [self] if self.target else []

    def plan(self, parameters: Parameters, step: float) -> list[Operation]:
        return [_Sharpened(step, self)]

    def words(self, parameters: Parameters) -> str:
        return "sharpened HR"


class _Sharpened(Operation):
    def __init__(self, step: float, stage: Sharpen) -> None:
        super().__init__(step)
        self.stage, self.blur = stage, Linear(step, [(stage.kernel, stage.kernel)])

    def constants(self, given: Region, wanted: Region) -> list[np.ndarray]:
        return self.blur.constants(self.blur.needs(wanted), wanted)

    def apply(self, image: Tensor, given: Region, wanted: Region, constants: list[Tensor]) -> Tensor:
        residual = image - self._blurred(image, wanted, constants)
        mask = self._blurred((residual.abs() * 255 > self.stage.threshold).to(image.dtype), wanted, constants)
        sharp = torch.add(image, residual, alpha=self.stage.weight).clamp_(0, 1)
        return torch.lerp(image, sharp, mask)

    def _blurred(self, image: Tensor, wanted: Region, constants: list[Tensor]) -> Tensor:
        padded = crop(image, wanted, self.blur.needs(wanted))
        return self.blur.apply(padded, self.blur.needs(wanted), wanted, constants)
