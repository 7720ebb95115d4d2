"""The scale of a volume: one factor for each of the axes D, H, W of (N, C, D, H, W).

`scale` stays the whole number that everything else reads (names, tables, schedules): the largest of the three factors. `axes`
says along which axes it holds: `isotropic` along all three, `through_plane` along D alone (thick slices become thin ones), or
the three factors as a list, such as [4, 2, 2]. Only code for volumes reads `axes`; a run with `axes` is a run on volumes.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sr.errors import InputError

Factors = tuple[int, int, int]  # HR voxels per LR voxel along D, H, W
NAMED = ("isotropic", "through_plane")


def factors(scale: int, axes: str | Sequence[int] | None) -> Factors:
    """The factors along D, H, W: `factors(2, "through_plane")` is (2, 1, 1).

    Raises:
        InputError: unknown axes, or a list whose largest number is not `scale`.
    """
    if type(scale) is not int or scale < 1:
        raise InputError(f"scale {scale!r} is not supported; choose a whole number from 1 up")
    if axes == "isotropic":
        return scale, scale, scale
    if axes == "through_plane":
        return scale, 1, 1
    numbers = tuple(axes) if isinstance(axes, Sequence) and not isinstance(axes, str) else ()
    if len(numbers) != 3 or not all(type(n) is int and n >= 1 for n in numbers):
        pictures = "; pictures have no axes, and take other networks and degradations" if axes is None else ""
        wanted = f"choose {', '.join(NAMED)} or three whole factors of D, H, W such as [{scale},1,1]"
        raise InputError(f"axes={axes}: {wanted}{pictures}")
    if max(numbers) != scale:
        raise InputError(f"axes={list(numbers)}: the largest factor is scale, but scale={scale}: pass scale={max(numbers)}")
    return numbers


def is_volume(network: nn.Module) -> bool:
    """Whether a network is for volumes (N, C, D, H, W): it then has `factors`, see above, beside `scale`."""
    return getattr(network, "factors", None) is not None


def layout(network: nn.Module) -> torch.memory_format:
    """The memory layout in which convolutions are fastest: channels last, of volumes 1.4 to 1.8 times as fast on a CPU."""
    return torch.channels_last_3d if is_volume(network) else torch.channels_last


def check_volume(volume: Tensor, what: str = "volume") -> None:
    """InputError if a tensor is not (N, C, D, H, W)."""
    if volume.ndim != 5 or 0 in volume.shape:
        raise InputError(f"{what} has shape {tuple(volume.shape)}: expected (N, C, D, H, W), without empty dimensions")


def largest(sizes: Sequence[int], *others: Sequence[int]) -> tuple[int, ...]:
    """The largest size along each axis."""
    return tuple(map(max, zip(sizes, *others, strict=True)))


def text(sizes: Sequence[Any]) -> str:
    """Sizes for a message: 24x32x32."""
    return "x".join(f"{size:g}" if isinstance(size, float) else str(size) for size in sizes)
