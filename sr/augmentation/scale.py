"""Scale augmentation: HR is downscaled before the degradation (FSRCNN, Dong et al. 2016, arXiv:1608.00367, section 4.1)."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sr.augmentation.base import Augmentation, centre, per_image
from sr.augmentation.resample import resample, weights
from sr.functional.draws import Draws
from sr.functional.ranges import checked


class Scale(Augmentation):
    """Downscale the image by a factor uniform in `factor`, with MATLAB's antialiased cubic kernel; the patch size is
    unchanged.

    If the patch then exceeds the whole image, the image is mirrored. The result is rounded to `levels`.
    """

    def __init__(self, probability: float = 0.8, factor: Sequence[float] = (0.6, 1.0), levels: int | None = 255) -> None:
        super().__init__(probability)
        self.factor, self.levels = checked("factor", factor, 0.1, 1), levels

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"on", "factor": float64 (count,)}."""
        return super().sample(draws) | {"factor": draws.uniform(*self.factor)}

    def source_size(self, size: int) -> int:
        return size + 2 * math.ceil(((size + 4) / self.factor[0] - size) / 2)  # 4: the kernel's width

    def footprint(self, size: np.ndarray, parameters: dict[str, np.ndarray]) -> np.ndarray:
        return np.where(parameters["on"], size / parameters["factor"], size)

    def warp(self, image: Tensor, size: int, parameters: dict[str, Tensor]) -> Tensor:
        length, factor = image.shape[-1], parameters["factor"]
        place = torch.arange(size, device=image.device, dtype=torch.float64) + 0.5 - size / 2
        matrix = weights(place / factor.view(-1, 1) + length / 2 - 0.5, factor, length, self.factor[0])
        return torch.where(per_image(parameters["on"]), resample(image, matrix, matrix, self.levels), centre(image, size))
