"""CutMix (Yun et al. 2019, arXiv:1905.04899), for super-resolution: Yoo, Ahn, Sohn 2020, arXiv:2004.00448, section 2."""

import numpy as np
import torch
from torch import Tensor

from sr.augmentation import box
from sr.augmentation.base import Augmentation, Pair, per_image
from sr.functional.draws import Draws


class CutMix(Augmentation):
    """A square of the partner replaces the same square of the sample, in LR and HR.

    Args:
        side: mean of the square's side, as a fraction of the patch's.
        std: its standard deviation.
    """

    partner = True

    def __init__(self, probability: float = 1.0, side: float = 0.7, std: float = 0.01) -> None:
        super().__init__(probability)
        self.side, self.std = box.checked(side, std)

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"on", "side", "top", "left"}: see `sr.augmentation.box`."""
        return super().sample(draws) | box.sample(draws, draws.normal(self.side, self.std))

    def apply(self, lr: Tensor, hr: Tensor, parameters: dict[str, Tensor], partner: Pair | None) -> Pair:
        size, scale = lr.shape[-1], hr.shape[-1] // lr.shape[-1]
        inside = box.mask(size, *box.pixels(size, parameters)) & per_image(parameters["on"])
        return torch.where(inside, partner[0], lr), torch.where(box.enlarged(inside, scale), partner[1], hr)
