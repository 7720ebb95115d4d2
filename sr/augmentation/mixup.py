"""MixUp (Zhang et al. 2018, arXiv:1710.09412), for super-resolution: Yoo, Ahn, Sohn 2020, arXiv:2004.00448, section 2."""

import numpy as np
from torch import Tensor

from sr.augmentation.base import Augmentation, Pair, per_image
from sr.errors import InputError
from sr.functional.draws import Draws


class MixUp(Augmentation):
    """v * sample + (1 - v) * partner, for LR and HR, with v from Beta(alpha, alpha). The result is not rounded."""

    partner = True

    def __init__(self, probability: float = 1.0, alpha: float = 1.2) -> None:
        super().__init__(probability)
        if alpha <= 0:
            raise InputError(f"alpha must be positive, got {alpha}")
        self.alpha = alpha

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"on", "share": float32 (count,)}, the weight of the sample itself."""
        from scipy.special import betaincinv  # the inverse distribution function: one draw per sample

        share = betaincinv(self.alpha, self.alpha, draws.uniform()).astype(np.float32)
        return super().sample(draws) | {"share": share}

    def apply(self, lr: Tensor, hr: Tensor, parameters: dict[str, Tensor], partner: Pair | None) -> Pair:
        share = per_image(parameters["share"].where(parameters["on"], 1.0))
        return share * lr + (1 - share) * partner[0], share * hr + (1 - share) * partner[1]
