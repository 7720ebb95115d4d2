"""Quarter turns (EDSR, Lim et al. 2017, arXiv:1707.02921, section 4.2); with flips, all eight orientations of a patch."""

from typing import Any

import numpy as np
from torch import Tensor

from sr.augmentation.base import Augmentation, Move, Pair, changed, followed
from sr.functional.draws import Draws

_QUARTERS = (Move((-2,), transposed=True), Move((-2, -1)), Move((-1,), transposed=True))  # counter-clockwise


class Turn(Augmentation):
    """Rotate by 90, 180 or 270 degrees, with equal probability."""

    clips = True

    def __init__(self, probability: float = 0.75) -> None:
        super().__init__(probability)

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"on", "quarters": int64 (count,), 0 to 3, counter-clockwise}."""
        on = super().sample(draws)["on"]
        return {"on": on, "quarters": np.where(on, 1 + draws.integers(3), 0)}

    def apply(self, lr: Tensor, hr: Tensor, parameters: dict[str, Tensor], partner: Pair | None) -> Pair:
        quarters = parameters["quarters"] * parameters["on"]
        return turned(lr, quarters), turned(hr, quarters)

    def follow(self, key: str, value: Any, parameters: dict[str, Tensor]) -> Any:
        return followed(key, value, lambda image: turned(image, parameters["quarters"] * parameters["on"]))


def turned(image: Tensor, quarters: Tensor) -> Tensor:
    """Square images (N, ..., S, S), each rotated by its quarters (N,)."""
    return changed(image, quarters, *_QUARTERS)
