"""Rotation by any angle, before the degradation: LR is made from the rotated HR."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sr.augmentation.base import Augmentation, centre, per_image
from sr.degradation.chain import quantise
from sr.errors import InputError
from sr.functional.draws import Draws


class Rotation(Augmentation):
    """Rotate by an angle uniform in [-max_angle, max_angle] degrees, with bicubic interpolation, and round to `levels`.

    The patch shows image content in all its corners; only if the image is too small, it is mirrored.
    """

    def __init__(self, probability: float = 0.5, max_angle: float = 180.0, levels: int | None = 255) -> None:
        super().__init__(probability)
        if not 0 <= max_angle <= 180:
            raise InputError(f"max_angle must be in [0, 180] degrees, got {max_angle}")
        self.max_angle, self.levels = max_angle, levels

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"on", "angle": float64 (count,), radians, counter-clockwise}."""
        angle = np.radians(draws.uniform(-self.max_angle, self.max_angle))
        return super().sample(draws) | {"angle": angle}

    def source_size(self, size: int) -> int:
        return size + 2 * math.ceil((math.sqrt(2) - 1) / 2 * size + 2)  # 2: the kernel's reach

    def footprint(self, size: np.ndarray, parameters: dict[str, np.ndarray]) -> np.ndarray:
        angle = parameters["angle"]
        return np.where(parameters["on"], size * (np.abs(np.cos(angle)) + np.abs(np.sin(angle))), size)

    def warp(self, image: Tensor, size: int, parameters: dict[str, Tensor]) -> Tensor:
        place = (torch.arange(size, device=image.device, dtype=torch.float64) * 2 + 1 - size) / image.shape[-1]
        cos, sin = parameters["angle"].cos().view(-1, 1, 1), parameters["angle"].sin().view(-1, 1, 1)
        x, y = place.view(1, 1, -1), place.view(1, -1, 1)
        grid = torch.stack([cos * x - sin * y, sin * x + cos * y], -1).to(image.dtype)
        with torch.autocast(image.device.type, enabled=False):
            rotated = F.grid_sample(image, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
        rotated = quantise(rotated, self.levels) if self.levels else rotated
        return torch.where(per_image(parameters["on"]), rotated, centre(image, size))
