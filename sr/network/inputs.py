"""The inputs of a network: LR, and the keys of a batch that its `forward` names.

`forward(lr)` uses only the image, `forward(lr, blur_kernel)` also a batch's key `blur_kernel`: the signature is the schema.
Four names have a fixed meaning: `size` is height and width of the result, for networks of any scale; `scale` is HR pixels per
LR pixel, float32 (N,); `pixels` (N, Q) int64 are the pixels of the result to compute, as places in its rows: (N, C, Q, 1). With
`pixels`, `size` may be int64 (N, 2), one for each result. `place` (N, 2, sH, sW) int64 are row and column of each pixel of the
result in the whole picture, for networks that draw noise: the tiles of a picture, and its flips in an ensemble, know where they
are.
"""

import inspect
import math
from collections.abc import Callable, Collection, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from sr.errors import InputError
from sr.say import warn

SIZE, SCALE, PIXELS, PLACE = "size", "scale", "pixels", "place"
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def further(network: nn.Module) -> Mapping[str, bool]:
    """Arguments of `forward` after LR: name -> whether it is required (has no default)."""
    forward = network.forward
    unbound = getattr(forward, "__func__", None)
    return _after(forward, 1) if unbound is None else _after(unbound, 2)


@cache  # training asks in every step, and reading a signature takes 25 us
def _after(function: Callable[..., Any], count: int) -> Mapping[str, bool]:
    """The parameters after the first `count`, as in `further`."""
    parameters = list(inspect.signature(function).parameters.values())[count:]
    return MappingProxyType({one.name: one.default is one.empty for one in parameters if one.kind in _NAMED})


def required(network: nn.Module) -> list[str]:
    """The required arguments of `forward` besides LR."""
    return [name for name, needed in further(network).items() if needed]


def takes_size(network: nn.Module) -> bool:
    """Whether the network upscales to any given size: `forward(lr, size=(H, W))`."""
    return SIZE in further(network)


def fits(network: nn.Module, ensemble: bool = False, precision: str = "32") -> bool:
    """Whether the network trains on each image in its `forward` (`fits = True`): it gets whole images, once.

    InputError: it does, and is to be used in an ensemble or in half precision.
    """
    found = getattr(network, "fits", False)
    if found and (ensemble or precision != "32"):
        what = "ensemble=true" if ensemble else f"precision={precision}"
        raise InputError(f"{what}: {type(network).__name__} trains on each image, with options of its own: remove it")
    return found


def check_least(network: nn.Module, height: int, width: int, name: str = "") -> None:
    """InputError, after the image's name, for a side below the network's attribute `least`, if it has one."""
    if min(height, width) < (least := getattr(network, "least", 1)):
        kind = type(network).__name__
        where = f"{name}: " if name else ""
        raise InputError(f"{where}{width}x{height} pixels are too few for {kind} x{network.scale}: it needs {least}x{least}")


def trained_range(network: nn.Module) -> tuple[float, float]:
    """The smallest and largest scale that a network of any scale was trained for; all for others."""
    return getattr(network, "scales", (0, math.inf)) if takes_size(network) else (0, math.inf)


def warn_outside(network: nn.Module, scale: float) -> None:
    """Warn of a scale outside the range that a network of any scale was trained for."""
    low, high = trained_range(network)
    if not low <= scale <= high:
        warn(f"scale={float(scale):g}: {type(network).__name__} was trained for {low:g} to {high:g}; expect artefacts")


def conditions(network: nn.Module) -> list[str]:
    """What it needs besides the pixels of an image: required arguments other than `size` and `scale`."""
    return [name for name in required(network) if name not in (SIZE, SCALE)]


def alone(lr: Tensor, scale: float) -> dict[str, Any]:
    """What is known about images (N, C, H, W) that are upscaled by a scale: `size` and `scale`."""
    return {SIZE: tuple(round(side * scale) for side in lr.shape[-2:]), SCALE: lr.new_full((len(lr),), scale)}


def chosen(network: nn.Module, known: Mapping[str, Any]) -> dict[str, Any]:
    """The known values that `network.forward` names, for `network(lr, **chosen)`.

    Raises:
        InputError: a required value is unknown.
    """
    check_known(network, known)
    return {name: known[name] for name in further(network) if name in known}


def sampled(hr: Tensor, pixels: Tensor) -> Tensor:
    """The pixels of (N, C, H, W) that `network(lr, size=(H, W), pixels=pixels)` computes, (N, C, Q, 1)."""
    return hr.flatten(2).gather(2, pixels[:, None].expand(-1, hr.shape[1], -1))[..., None]


def check_known(network: nn.Module, known: Collection[str], where: str = "the batch") -> None:
    """Check that everything the network requires is known.

    Raises:
        InputError: one line that names what is missing, and what is known.
    """
    if missing := [name for name in required(network) if name not in known]:
        there = ", ".join(sorted(name for name in known if name not in ("hr", SIZE))) or "nothing"
        raise InputError(
            f"{type(network).__name__}.forward requires {', '.join(missing)}, which {where} does not have (it has {there}): "
            "add the key to a data source, a degradation or a benchmark, or give the argument a default"
        )


def is_image(value: Any) -> bool:
    """Whether a key of a batch is an image, such as masks and blur kernels (N, C, H, W), unlike vectors (N, D)."""
    return isinstance(value, Tensor) and value.ndim >= 4
