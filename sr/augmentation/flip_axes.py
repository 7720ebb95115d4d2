"""Flips along every spatial axis, for volumes; for pictures, left-right and up-down flips."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sr.augmentation.base import Augmentation, Pair, followed
from sr.functional.draws import Draws


class FlipAxes(Augmentation):
    """Mirror along a random choice of axes: D, H and W of volumes (N, C, D, H, W), H and W of pictures (N, C, H, W).

    Every choice of axes but none is equally likely, so with the default 7/8 each of the 8 orientations of a volume is. For
    pictures a choice of D alone changes nothing.
    """

    volumes = True

    def __init__(self, probability: float = 0.875) -> None:
        super().__init__(probability)

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"on", "flips": int64 (count,), from 0 to 7: bits of W, H and D}."""
        on = super().sample(draws)["on"]
        return {"on": on, "flips": np.where(on, 1 + draws.integers(7), 0)}

    def apply(self, lr: Tensor, hr: Tensor, parameters: dict[str, Tensor], partner: Pair | None) -> Pair:
        return flipped(lr, parameters["flips"]), flipped(hr, parameters["flips"])

    def follow(self, key: str, value: Any, parameters: dict[str, Tensor]) -> Any:
        return followed(key, value, lambda image: flipped(image, parameters["flips"]))


def flipped(image: Tensor, flips: Tensor) -> Tensor:
    """(N, C, ...), each mirrored along the axes whose bit is set: bit 0 the last axis, bit 1 the one before, ..."""
    for bit in range(min(image.ndim - 2, 3)):
        on = (flips >> bit & 1).bool().to(image.device).view(-1, *[1] * (image.ndim - 1))
        image = torch.where(on, image.flip(-1 - bit), image)
    return image
