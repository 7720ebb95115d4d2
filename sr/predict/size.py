"""`predict.py size=1920x1080`: the size of a result in pixels, and what is said about it."""

import re

from torch import nn

from sr.errors import InputError
from sr.network.inputs import takes_size, trained_range
from sr.network.name import name_of


def parsed(size: str | int | None, outscale: float | None) -> tuple[int, int] | None:
    """(height, width) of "1920x1080", width x height; None without one.

    Raises:
        InputError: something else; both a size and a factor.
    """
    if size is None:
        return None
    if outscale is not None:
        raise InputError(f"size={size} and outscale={outscale} contradict each other: pass one of them")
    if not (found := re.fullmatch(r"(\d{1,6})x(\d{1,6})", str(size))) or 0 in map(int, found.groups()):
        raise InputError(f"size={size}: pass width x height in pixels, such as size=1920x1080")
    return int(found[2]), int(found[1])


def resized(network: nn.Module, outscale: float | None, size: tuple[int, int] | None) -> str | None:
    """What to say if results of a network are resized to the factor or size; None if the network makes it itself."""
    if size is None and outscale in (None, network.scale):
        return None
    if takes_size(network) and (outscale is None or outscale >= 1):
        return None
    wanted = f"outscale={outscale:g}" if size is None else f"size={size[1]}x{size[0]}"
    return f"{name_of(network)} upscales by {network.scale}: its results are resized to {wanted} by bicubic interpolation"


def remarks(network: nn.Module, shape: tuple[int, int], size: tuple[int, int]) -> list[str]:
    """What to say about one image of this height and width: it is stretched; the network was not trained for the scale."""
    factors = [new / old for new, old in zip(size, shape, strict=True)]
    lines = []
    if max(abs(factor * old - new) for factor, old, new in zip(reversed(factors), shape, size, strict=True)) >= 1:
        lines.append(
            f"{shape[1]}x{shape[0]} pixels have another aspect ratio than size={size[1]}x{size[0]}, so the result is "
            "stretched: crop the image first, or pass outscale=..."
        )
    low, high = trained_range(network)
    if not low <= min(factors) <= max(factors) <= high:
        scale = " and ".join(f"{factor:.3g}" for factor in dict.fromkeys(factors))
        lines.append(f"scale {scale}: {name_of(network)} was trained for {low:g} to {high:g}; expect artefacts")
    return lines
