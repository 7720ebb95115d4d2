"""Clips played backwards (BasicVSR's training, Chan et al. 2021, arXiv:2012.02181: random temporal flips)."""

from typing import Any

from torch import Tensor

from sr.augmentation.base import Augmentation, Move, Pair, changed
from sr.errors import InputError


class Reverse(Augmentation):
    """Reverse the order of the frames of clips (N, T, C, H, W)."""

    clips = True

    def __init__(self, probability: float = 0.5) -> None:
        super().__init__(probability)

    def apply(self, lr: Tensor, hr: Tensor, parameters: dict[str, Tensor], partner: Pair | None) -> Pair:
        if lr.ndim != 5:
            raise InputError("augmentation=reverse is for clips: pass data=clips, or remove it")
        return reversed_clips(lr, parameters["on"]), reversed_clips(hr, parameters["on"])

    def follow(self, key: str, value: Any, parameters: dict[str, Tensor]) -> Any:
        return value  # keys of a clip hold for all its frames


def reversed_clips(clips: Tensor, on: Tensor) -> Tensor:
    """(N, T, C, H, W), backwards where `on` (N,)."""
    return changed(clips, on, Move((-4,)))
