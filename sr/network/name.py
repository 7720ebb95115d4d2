"""What messages call a network."""

from torch import nn


def name_of(network: nn.Module) -> str:
    """Its attribute `called`, which networks in exported files have, or its class."""
    return getattr(network, "called", type(network).__name__)
