"""Mixture of augmentations (Yoo, Ahn, Sohn 2020, arXiv:2004.00448, section 3)."""

import numpy as np
from torch import Tensor

from sr.augmentation.base import Augmentation, Pair
from sr.augmentation.chain import Chain
from sr.errors import InputError
from sr.functional.draws import Draws
from sr.functional.parts import own


class MoA(Augmentation):
    """One of `stages` per sample, with equal probability. The authors draw one for a whole batch.

    Stages that warp are not allowed, because they must run before the degradation. InputError if one does.
    """

    def __init__(self, stages: dict[str, Augmentation], probability: float = 1.0) -> None:
        super().__init__(probability)
        self.chain = Chain(stages)
        if not stages or self.chain.source_size(64) != 64:
            raise InputError(f"moa.stages={list(stages)}: name at least one, and neither scale nor rotation")
        self.partner = self.chain.partner

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """The parameters of all stages; "<stage>.on" is true for one of them at most."""
        on, chosen = super().sample(draws)["on"], draws.integers(len(self.chain.stages))
        parameters = self.chain.sample(draws)
        for index, name in enumerate(self.chain.stages):
            parameters[f"{name}.on"] &= on & (chosen == index)
        return parameters

    def apply(self, lr: Tensor, hr: Tensor, parameters: dict[str, Tensor], partner: Pair | None) -> Pair:
        for name, stage in self.chain.stages.items():
            lr, hr = stage.apply(lr, hr, own(parameters, name), partner)
        return lr, hr
