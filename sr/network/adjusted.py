"""Options of a network in a checkpoint that a command may change, because no weight depends on them."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from sr.cli.groups import nearest
from sr.errors import InputError


def adjusted(network: nn.Module, options: Mapping[str, Any], source: Any) -> nn.Module:
    """The network with other values of options that its class lists as `adjustable`, set by its method `adjust`.

    Args:
        options: name -> value.
        source: its file, for messages.

    Raises:
        InputError: an option that cannot be changed; a value that the network refuses.
    """
    known = getattr(network, "adjustable", ())
    for name, value in options.items():
        if name not in known:
            what = f"only {', '.join(known)} can be changed" if known else "its options cannot be changed"
            kind = type(network).__name__
            near = nearest(name, list(known))
            raise InputError(f"network.{name}={value}: {source} contains {kind}, of which {what}{near}")
    if options:
        network.adjust(**options)
    return network
