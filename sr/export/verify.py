"""An exported file against the network that it came from, on images of several sizes, before it is kept."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sr.device.float32 import float32
from sr.errors import InputError
from sr.export.traced import SIDES
from sr.functional.resize import imresize
from sr.image.photograph import photograph

# LR pixels: the traced size, smaller and larger ones, odd ones where the network takes them.
SIZES = (SIDES, (24, 32), (33, 47), (57, 24), (96, 72))
LIMITS = {"32": 0.05, "16": 4.0, "bf16": 24.0}  # 8-bit levels, before rounding
LEVELS = 255


@dataclass(frozen=True)
class Difference:
    """The largest difference at one size, in 8-bit levels before rounding."""

    size: tuple[int, int]
    photo: float
    noise: float

    def __str__(self) -> str:
        return f"  {self.size[1]}x{self.size[0]}: photograph {self.photo:.2g}, noise {self.noise:.2g}"


def differences(network: nn.Module, exported: Callable[[Tensor], Tensor]) -> Iterator[Difference]:
    """The file against the network in float32 on the CPU, size after size; both get two images at the first one."""
    multiple = network.multiple_of
    photo = imresize(photograph(512, network.channels), 1 / 3).clamp(0, 1)[..., 20:, 30:]
    for number, size in enumerate(SIZES):
        height, width = (-(-side // multiple) * multiple for side in size)
        images = 2 if number == 0 else 1
        windows = torch.cat([photo[..., i : i + height, :width] for i in range(images)])
        noise = torch.rand(windows.shape, generator=torch.Generator().manual_seed(0))
        found = [_largest(network, exported, lr) for lr in (windows, noise)]
        yield Difference((height, width), *found)


def check(found: Difference, precision: str, path: str) -> None:
    """InputError: the difference is above the limit of the precision, or not finite."""
    worst = max((found.photo, found.noise), key=lambda one: (math.isnan(one), one))
    if not worst <= LIMITS[precision]:
        raise InputError(
            f"{path}: differs from the network by {worst:.3g} of 255 levels at {found.size[1]}x{found.size[0]} pixels; at most "
            f"{LIMITS[precision]} is kept with precision={precision}: nothing was written"
        )


@torch.no_grad()
def _largest(network: nn.Module, exported: Callable[[Tensor], Tensor], lr: Tensor) -> float:
    with float32("cpu"):
        expected = network(lr)
    result = exported(lr)
    if result.shape != expected.shape:
        return float("inf")
    return float((result - expected).abs().max()) * LEVELS
