"""What a network is called with: LR, and the keys of a batch that its `forward` names.

`forward(lr)` takes the image alone, `forward(lr, blur_kernel)` a batch's key `blur_kernel` too: the signature is the schema.
Two names have a fixed meaning: `size` is height and width of the result, for networks of any scale; `scale` is HR pixels for
an LR pixel, float32 (N,).
"""

import inspect
from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor, nn

from sr.errors import InputError

SIZE, SCALE = "size", "scale"
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def further(network: nn.Module) -> dict[str, bool]:
    """What `forward` takes besides LR, its first argument: name -> whether it has no default, so that it must be given."""
    parameters = list(inspect.signature(network.forward).parameters.values())[1:]
    return {one.name: one.default is one.empty for one in parameters if one.kind in _NAMED}


def required(network: nn.Module) -> list[str]:
    """The names without which `forward` cannot be called, besides LR."""
    return [name for name, needed in further(network).items() if needed]


def takes_size(network: nn.Module) -> bool:
    """Whether it enlarges to any size that it is told: `forward(lr, size=(H, W))`."""
    return SIZE in further(network)


def conditions(network: nn.Module) -> list[str]:
    """What it needs to know of an image besides the pixels: the required names other than `size` and `scale`."""
    return [name for name in required(network) if name not in (SIZE, SCALE)]


def alone(lr: Tensor, scale: int) -> dict[str, Any]:
    """What is known of images (N, C, H, W) that are enlarged by a scale: `size` and `scale`."""
    return {SIZE: tuple(side * scale for side in lr.shape[-2:]), SCALE: lr.new_full((len(lr),), scale)}


def chosen(network: nn.Module, known: Mapping[str, Any]) -> dict[str, Any]:
    """Of what is known of a batch what `network.forward` names, for `network(lr, **chosen)`.

    Raises:
        InputError: something that it needs is not known.
    """
    check_known(network, known)
    return {name: known[name] for name in further(network) if name in known}


def check_known(network: nn.Module, known: Collection[str], where: str = "the batch") -> None:
    """Whether all that the network needs is known.

    Raises:
        InputError: one line that names what is missing, and what there is.
    """
    if missing := [name for name in required(network) if name not in known]:
        there = ", ".join(sorted(name for name in known if name not in ("hr", SIZE))) or "nothing"
        raise InputError(
            f"{type(network).__name__}.forward takes {', '.join(missing)}, which {where} does not have (it has {there}): "
            "give the key in a data source, a degradation or a benchmark, or give the argument a default"
        )


def is_image(value: Any) -> bool:
    """Whether a key of a batch lies in the plane of the image, as masks and blur kernels (N, C, H, W) do, and not (N, D)."""
    return isinstance(value, Tensor) and value.ndim >= 4
