"""What an augmentation is: each sample's parameters, and what is done with them to whole batches on the device."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sr.errors import InputError
from sr.functional.draws import Draws
from sr.functional.ranges import probability as checked_probability

Pair = tuple[Tensor, Tensor]  # lr (N, 3, H, W), hr (N, 3, sH, sW): float32 RGB in [0, 1]


class Augmentation:
    """Identity. A subclass overrides `apply`, or, where it needs a larger cut of the image, `source_size` to `warp`.

    `partner` says whether `apply` takes a second, independent sample for each sample. Sizes are sides of squares.

    Args:
        probability: how often a sample is augmented; else it stays as it is.
    """

    partner = False

    def __init__(self, probability: float) -> None:
        self.probability = checked_probability("probability", probability)

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"on": bool (count,), ...}: the same number of draws for every sample, augmented or not."""
        return {"on": draws.uniform() < self.probability}

    def source_size(self, size: int) -> int:
        """Pixels of the square that `warp` needs to make one of `size`: as many more on all sides, for any parameters."""
        return size

    def footprint(self, size: np.ndarray, parameters: dict[str, np.ndarray]) -> np.ndarray:
        """Pixels (count,) of the upright square of the image that a square of `size` (count,) shows after `warp`."""
        return size

    def warp(self, image: Tensor, size: int, parameters: dict[str, Tensor]) -> Tensor:
        """(N, 3, S, S) on the uint8 grid, S >= source_size(size) -> (N, 3, size, size), same centre; before degradation."""
        return centre(image, size)

    def apply(self, lr: Tensor, hr: Tensor, parameters: dict[str, Tensor], partner: Pair | None) -> Pair:
        """LR and HR patches after degradation -> the same, augmented; never changed in place."""
        return lr, hr

    def follow(self, key: str, value: Any, parameters: dict[str, Tensor]) -> Any:
        """A further key of the batch after `apply`: (N, C, H, W) lies in the plane of the image, (N,) and (N, D) do not.

        Raises:
            InputError: it is not known what becomes of it: that of every augmentation that does not override this.
        """
        raise InputError(
            f"augmentation={type(self).__name__.lower()} changes patches in a way that the batch's key {key} does not follow: "
            "take it out of augmentation=[...]"
        )


def centre(image: Tensor, size: int) -> Tensor:
    """The middle of the last two dimensions."""
    top, left = ((n - size) // 2 for n in image.shape[-2:])
    return image[..., top : top + size, left : left + size]


def changed(image: Tensor, choice: Tensor, *changes: Callable[[Tensor], Tensor]) -> Tensor:
    """Images (N, C, H, W), each by none (0) or one of the changes, which `choice` (N,) counts from 1; they keep the shape.

    A CPU makes each image's own, in one pass. On a GPU all are made: it would have to be waited for to know which.
    """
    if image.device.type != "cpu":
        for number, change in enumerate(changes, 1):
            image = torch.where(per_image(choice == number), change(image), image)
        return image
    result = torch.empty_like(image)
    for source, target, number in zip(image, result, choice.tolist(), strict=True):
        target.copy_(changes[number - 1](source) if number else source)
    return result


def followed(key: str, value: Any, move: Callable[[Tensor], Tensor]) -> Any:
    """A key of the batch after patches were flipped or turned: images (N, C, H, W) are moved too, all else stays.

    Raises:
        InputError: (N, A, B) may be a mask or a list of vectors; a tensor that would change its shape.
    """
    if not isinstance(value, Tensor) or value.ndim < 3:
        return value
    if value.ndim == 3:
        raise InputError(
            f"the batch's key {key} has shape {tuple(value.shape)}, which does not tell whether it is flipped with the image: "
            "give masks and kernels as (N, C, H, W), vectors as (N, D)"
        )
    if value.shape[-2] != value.shape[-1]:
        raise InputError(f"the batch's key {key} has shape {tuple(value.shape)}: what is flipped and turned must be square")
    return move(value)


def per_image(value: Tensor) -> Tensor:
    """(N,) -> (N, 1, 1, 1)."""
    return value.view(-1, 1, 1, 1)
