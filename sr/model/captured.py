"""The outputs of parts of a network while it runs: features that a loss compares."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import Tensor, nn

from sr.cli.groups import nearest
from sr.errors import InputError


def check_parts(network: nn.Module, names: Iterable[str], key: str) -> None:
    """InputError, with the config key: the network has no part of a name."""
    parts = dict(network.named_modules())
    for name in names:
        if name not in parts or not name:
            near = nearest(name, [part for part in parts if part])
            raise InputError(f"{key}: {type(network).__name__} has no part {name!r}{near}")


@contextmanager
def captured(network: nn.Module, names: Iterable[str]) -> Iterator[dict[str, Tensor]]:
    """Context that fills a dict: name of a part, such as `body.3` -> its last output (N, C, *).

    Raises:
        InputError: a part gives no such tensor.
    """
    made: dict[str, Tensor] = {}

    def keep(name: str, _module: nn.Module, _inputs: Any, output: Any) -> None:
        if not isinstance(output, Tensor) or output.ndim < 4:
            what = f"a tensor of {output.ndim} dimensions" if isinstance(output, Tensor) else f"a {type(output).__name__}"
            raise InputError(
                f"model.features: {name} of {type(network).__name__} gives {what}: choose one that gives (N, C, H, W)"
            )
        made[name] = output

    hooks = [network.get_submodule(name).register_forward_hook(partial(keep, name)) for name in dict.fromkeys(names)]
    try:
        yield made
    finally:
        for hook in hooks:
            hook.remove()
