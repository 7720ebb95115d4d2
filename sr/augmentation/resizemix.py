"""ResizeMix (Qin et al. 2020, arXiv:2012.11101, section 3), for LR and HR."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sr.augmentation import box
from sr.augmentation.base import Augmentation, Pair, per_image
from sr.augmentation.resample import resample, weights
from sr.functional.draws import Draws
from sr.functional.ranges import checked


class ResizeMix(Augmentation):
    """The whole partner, downscaled by a factor uniform in `factor`, is pasted at a random position of the sample."""

    partner = True

    def __init__(self, probability: float = 0.5, factor: Sequence[float] = (0.1, 0.8), levels: int | None = 255) -> None:
        super().__init__(probability)
        self.factor, self.levels = checked("factor", factor, 0.05, 1), levels

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"on", "side", "top", "left"}: see `sr.augmentation.box`."""
        return super().sample(draws) | box.sample(draws, draws.uniform(*self.factor))

    def apply(self, lr: Tensor, hr: Tensor, parameters: dict[str, Tensor], partner: Pair | None) -> Pair:
        size, scale = lr.shape[-1], hr.shape[-1] // lr.shape[-1]
        side, top, left = box.pixels(size, parameters)
        smallest = max(1, int(self.factor[0] * size)) / size
        on = per_image(parameters["on"])
        pasted = []
        for own, other, unit in ((lr, partner[0], 1), (hr, partner[1], scale)):
            rows, columns = (_shrinking(first * unit, side.double() / size, size * unit, smallest) for first in (top, left))
            inside = box.mask(size * unit, side * unit, top * unit, left * unit) & on
            pasted.append(torch.where(inside, resample(other, rows, columns, self.levels), own))
        return pasted[0], pasted[1]


def _shrinking(first: Tensor, factor: Tensor, size: int, smallest: float) -> Tensor:
    """Weights (N, size, size) that downscale a line of `size` pixels by `factor` (N,), starting at `first` (N,)."""
    place = torch.arange(size, device=first.device, dtype=torch.float64) - first.view(-1, 1)
    return weights((place + 0.5) / factor.view(-1, 1) - 0.5, factor, size, smallest)
