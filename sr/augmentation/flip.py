"""Left-right flips (EDSR, Lim et al. 2017, arXiv:1707.02921, section 4.2)."""

import torch
from torch import Tensor

from sr.augmentation.base import Augmentation, Pair, per_image


class Flip(Augmentation):
    """Mirror left and right."""

    def __init__(self, probability: float = 0.5) -> None:
        super().__init__(probability)

    def apply(self, lr: Tensor, hr: Tensor, parameters: dict[str, Tensor], partner: Pair | None) -> Pair:
        on = per_image(parameters["on"])
        return torch.where(on, lr.flip(-1), lr), torch.where(on, hr.flip(-1), hr)
