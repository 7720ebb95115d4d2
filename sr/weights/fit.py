"""Loads tensors into a network, or describes how they differ."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from sr.errors import InputError


def load_weights(network: nn.Module, tensors: Mapping[str, Tensor], path: str | Path) -> None:
    """Copy tensors into a network; InputError with a short difference if keys or shapes do not match."""
    tensors = named(type(network), tensors)
    if different := difference(network, tensors):
        raise InputError(f"{path}: {different}")
    network.load_state_dict(dict(tensors))


def named(family: type[nn.Module], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under a class's own names, where it knows others that files have (`release`)."""
    release = getattr(family, "release", None)
    names = release.renamed(tensors) if release is not None else {}
    return {names.get(key, key): value for key, value in tensors.items()}


def difference(network: nn.Module, tensors: Mapping[str, Tensor]) -> str:
    """A short description of how the tensors differ from a network's; "" if all fit."""
    own = network.state_dict()
    missing = sorted(own.keys() - tensors.keys())
    extra = sorted(tensors.keys() - own.keys())
    shapes = [key for key in own.keys() & tensors.keys() if own[key].shape != tensors[key].shape]
    parts = [
        f"{len(names)} {what} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for what, names in (("keys missing", missing), ("keys unexpected", extra))
        if names
    ]
    parts += [f"{key} has shape {tuple(tensors[key].shape)}, expected {tuple(own[key].shape)}" for key in sorted(shapes)[:3]]
    return f"does not fit {type(network).__name__}: {'; '.join(parts)}" if parts else ""
