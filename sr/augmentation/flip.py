"""Left-right flips (EDSR, Lim et al. 2017, arXiv:1707.02921, section 4.2)."""

from typing import Any

from torch import Tensor

from sr.augmentation.base import Augmentation, Move, Pair, changed, followed

_MIRRORED = Move((-1,))


class Flip(Augmentation):
    """Mirror left and right."""

    clips = True

    def __init__(self, probability: float = 0.5) -> None:
        super().__init__(probability)

    def apply(self, lr: Tensor, hr: Tensor, parameters: dict[str, Tensor], partner: Pair | None) -> Pair:
        return flipped(lr, parameters["on"]), flipped(hr, parameters["on"])

    def follow(self, key: str, value: Any, parameters: dict[str, Tensor]) -> Any:
        return followed(key, value, lambda image: flipped(image, parameters["on"]))


def flipped(image: Tensor, on: Tensor) -> Tensor:
    """Images (N, ..., H, W), mirrored where `on` (N,)."""
    return changed(image, on, _MIRRORED)
