"""Base class of augmentations: each sample's parameters, and their application to whole batches on the device."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sr.errors import InputError
from sr.functional.draws import Draws
from sr.functional.ranges import probability as checked_probability

_SMALL = 3 * 48 * 48  # numbers of an image

Pair = tuple[Tensor, Tensor]  # lr (N, 3, H, W), hr (N, 3, sH, sW): float32 RGB in [0, 1]


class Augmentation:
    """Identity. A subclass overrides `apply`, or, if it needs a larger crop of the image, `source_size` to `warp`.

    `partner` says whether `apply` needs a second, independent sample per sample. Sizes are sides of squares.

    Args:
        probability: probability that a sample is augmented.
    """

    partner = False
    volumes = False  # whether `apply` also takes volumes (N, C, D, H, W)
    clips = False  # whether `apply` also takes clips (N, T, C, H, W)

    def __init__(self, probability: float) -> None:
        self.probability = checked_probability("probability", probability)

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"on": bool (count,), ...}: the same number of draws for every sample, augmented or not."""
        return {"on": draws.uniform() < self.probability}

    def source_size(self, size: int) -> int:
        """Side of the square that `warp` needs for one of `size`: equally more on all sides, for any parameters."""
        return size

    def footprint(self, size: np.ndarray, parameters: dict[str, np.ndarray]) -> np.ndarray:
        """Side (count,) of the upright square of the image that a square of `size` (count,) shows after `warp`."""
        return size

    def warp(self, image: Tensor, size: int, parameters: dict[str, Tensor]) -> Tensor:
        """(N, 3, S, S), quantised, S >= source_size(size) -> (N, 3, size, size), same centre; before the degradation."""
        return centre(image, size)

    def apply(self, lr: Tensor, hr: Tensor, parameters: dict[str, Tensor], partner: Pair | None) -> Pair:
        """LR and HR patches after the degradation -> the same, augmented; never changed in place."""
        return lr, hr

    def follow(self, key: str, value: Any, parameters: dict[str, Tensor]) -> Any:
        """A further key of the batch after `apply`: (N, C, H, W) is an image, (N,) and (N, D) are not.

        Raises:
            InputError: the effect on it is unknown, as for every augmentation that does not override this.
        """
        raise InputError(
            f"augmentation={type(self).__name__.lower()} does not support the batch's key {key}: "
            "remove it from augmentation=[...]"
        )


def centre(image: Tensor, size: int) -> Tensor:
    """The centre crop of the last two dimensions."""
    top, left = ((n - size) // 2 for n in image.shape[-2:])
    return image[..., top : top + size, left : left + size]


@dataclass(frozen=True)
class Move:
    """Images (..., H, W) mirrored along `dims`, after rows and columns were exchanged if `transposed`."""

    dims: tuple[int, ...]
    transposed: bool = False

    def tensor(self, image: Tensor) -> Tensor:
        return (image.transpose(-1, -2) if self.transposed else image).flip(self.dims)

    def array(self, image: np.ndarray) -> np.ndarray:
        """A view."""
        return np.flip(image.swapaxes(-1, -2) if self.transposed else image, self.dims)


def changed(image: Tensor, choice: Tensor, *moves: Move) -> Tensor:
    """Images (N, ..., H, W), each unchanged (0) or by one of the moves, which `choice` (N,) counts from 1; shapes are kept.

    A CPU computes only each image's own move; of small images by NumPy, whose calls take a tenth of torch's. A GPU computes
    all: reading the choice would synchronise it.
    """
    if image.device.type != "cpu":
        for number, move in enumerate(moves, 1):
            image = torch.where(per_image(choice == number, image.ndim), move.tensor(image), image)
        return image
    result = torch.empty_like(image)
    if image.numel() <= _SMALL * len(image):
        for source, target, number in zip(image.numpy(), result.numpy(), choice.tolist(), strict=True):
            target[...] = moves[number - 1].array(source) if number else source
        return result
    for source, target, number in zip(image, result, choice.tolist(), strict=True):
        target.copy_(moves[number - 1].tensor(source) if number else source)
    return result


def followed(key: str, value: Any, move: Callable[[Tensor], Tensor]) -> Any:
    """A key of the batch after patches were flipped or rotated: images (N, C, H, W) are moved too, others are unchanged.

    Raises:
        InputError: (N, A, B) may be a mask or a list of vectors; a tensor whose shape would change.
    """
    if not isinstance(value, Tensor) or value.ndim < 3:
        return value
    if value.ndim == 3:
        raise InputError(
            f"the batch's key {key} has shape {tuple(value.shape)}, so it is unclear whether to flip it with the image: "
            "use (N, C, H, W) for masks and kernels, (N, D) for vectors"
        )
    if value.shape[-2] != value.shape[-1]:
        raise InputError(f"the batch's key {key} has shape {tuple(value.shape)}: flips and rotations need squares")
    return move(value)


def per_image(value: Tensor, ndim: int = 4) -> Tensor:
    """(N,) -> (N, 1, 1, 1), for images of `ndim` dimensions."""
    return value.view(-1, *[1] * (ndim - 1))
