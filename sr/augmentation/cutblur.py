"""CutBlur (Yoo, Ahn, Sohn 2020, arXiv:2004.00448, section 3): the network learns where and how much to restore."""

import numpy as np
import torch
from torch import Tensor

from sr.augmentation import box
from sr.augmentation.base import Augmentation, Pair, per_image
from sr.functional.draws import Draws
from sr.functional.resize import imresize


class CutBlur(Augmentation):
    """Inside a square, or everywhere outside it, LR is replaced by HR; HR is unchanged.

    At scale 1 this is the paper's method. It needs images of equal size; for x2, x3, x4 the authors upsample LR and give
    their networks an HR-sized input. Our networks take LR at its own size, so HR is downscaled by MATLAB's bicubic. Blur,
    noise and JPEG are therefore absent there; with degradation=[bicubic] nothing would change.

    Args:
        side: mean of the square's side, as a fraction of the patch's.
        std: its standard deviation.
    """

    def __init__(self, probability: float = 1.0, side: float = 0.7, std: float = 0.01) -> None:
        super().__init__(probability)
        self.side, self.std = box.checked(side, std)

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"on", "outside": bool (count,), "side", "top", "left"}: see `sr.augmentation.box`."""
        square = box.sample(draws, draws.normal(self.side, self.std))
        return super().sample(draws) | square | {"outside": draws.uniform() < 0.5}

    def apply(self, lr: Tensor, hr: Tensor, parameters: dict[str, Tensor], partner: Pair | None) -> Pair:
        size, scale = lr.shape[-1], hr.shape[-1] // lr.shape[-1]
        sharp = imresize(hr, 1 / scale).clamp(0, 1) if scale > 1 else hr
        region = box.mask(size, *box.pixels(size, parameters)) ^ per_image(parameters["outside"])
        return torch.where(region & per_image(parameters["on"]), sharp, lr), hr
