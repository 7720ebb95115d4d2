"""A square at a random position in a patch, drawn as fractions, so that it fits patches of any size."""

import numpy as np
import torch
from torch import Tensor

from sr.errors import InputError
from sr.functional.draws import Draws


def checked(side: float, std: float) -> tuple[float, float]:
    """Mean and standard deviation of the side. InputError if they are not fractions of the patch's side."""
    if not 0 < side <= 1 or not 0 <= std <= 1:
        raise InputError(f"side and std are fractions of the patch's side, in (0, 1] and [0, 1], got {side} and {std}")
    return side, std


def sample(draws: Draws, side: np.ndarray) -> dict[str, np.ndarray]:
    """{"side", "top", "left"}: float64 (count,); side is a fraction of the patch, top and left of the remaining room."""
    return {"side": np.clip(side, 0, 1), "top": draws.uniform(), "left": draws.uniform()}


def pixels(size: int, parameters: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Side, top and left of the square in patches of `size`, int64 (N,) each; at least one pixel."""
    side = (parameters["side"] * size).long().clamp(min=1)
    top, left = ((parameters[name] * (size - side + 1)).long() for name in ("top", "left"))
    return side, top, left


def mask(size: int, side: Tensor, top: Tensor, left: Tensor) -> Tensor:
    """(N, 1, size, size) bool: true inside the square."""
    place = torch.arange(size, device=side.device)
    rows, columns = ((place >= first.view(-1, 1)) & (place < (first + side).view(-1, 1)) for first in (top, left))
    return (rows.unsqueeze(-1) & columns.unsqueeze(-2)).unsqueeze(1)


def enlarged(mask: Tensor, scale: int) -> Tensor:
    """The same region of an image that is `scale` times as large."""
    return mask.repeat_interleave(scale, -1).repeat_interleave(scale, -2)
