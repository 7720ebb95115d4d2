"""Builds a network from the plain config in a file, which is untrusted: only networks are built, and nothing else is run."""

import importlib
import inspect
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any

from torch import nn

from sr.cli import signature
from sr.errors import InputError, options_of
from sr.weights import trust

NETWORK_PACKAGES = ("sr.network.", "spandrel.architectures.")
_PARTS = "torch.nn."  # a network may take layers of torch as options: a norm, an activation


def build_network(spec: Any, source: Any, trusted: Collection[str] = ()) -> nn.Module:
    """The network that a checkpoint's config describes.

    Args:
        spec: `_target_` and options, plain values; options may be such nodes, or lists and dicts of them.
        source: the file, for messages.
        trusted: further classes, modules or packages that the user named; see sr/weights/trust.py.

    Raises:
        InputError: the config names something other than a network, or unknown options. Errors inside the class are raised
            unchanged.
    """
    check_network(spec, source, trusted)
    for node in _nodes(spec):
        _located(str(node["_target_"]), source)
    try:
        signature.check(spec)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
    built = _built(spec, source)
    if not isinstance(built, nn.Module):
        raise InputError(f"{source}: its config names {spec['_target_']}, which is not a network")
    return built


def check_network(spec: Any, source: Any, trusted: Collection[str] = ()) -> None:
    """Refuse what `build_network` would refuse; builds nothing.

    Raises:
        InputError: as `build_network`.
    """
    if not isinstance(spec, Mapping) or not spec.get("_target_"):
        raise InputError(f"{source}: its config names no class")
    for node in _nodes(spec):
        target = str(node["_target_"])
        if not (_is_network(target) or (node is not spec and _is_part(target)) or _is_trusted(target, trusted)):
            raise InputError(
                f"{source}: its config names {target}, which is not a network of this project; it was not run"
                + trust.advice(target)
            )
        own = {key for key in node if isinstance(key, str) and key.startswith("_")} - {"_target_", "_convert_"}
        if own - ({"_partial_"} if node is not spec else set()):
            raise InputError(
                f"{source}: its config gives {target} {', '.join(sorted(own))}, which is not an option of a network"
            )


def _is_network(target: str) -> bool:
    package = next((package for package in NETWORK_PACKAGES if target.startswith(package)), None)
    found = package and trust.class_in(target, package)
    return isinstance(found, type) and issubclass(found, nn.Module)


def _is_part(target: str) -> bool:
    return target.startswith(_PARTS) and trust.known(target)


def _is_trusted(target: str, trusted: Collection[str]) -> bool:
    return target in trusted or trust.below(target, trusted)


def _nodes(node: Any) -> Iterator[Mapping[str, Any]]:
    """Every node with a `_target_`, outer ones first."""
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield node
        for child in node.values():
            yield from _nodes(child)
    elif isinstance(node, list | tuple):
        for child in node:
            yield from _nodes(child)


def _built(node: Any, source: Any) -> Any:
    """The object of a node; lists and dicts with the objects of their nodes."""
    if isinstance(node, list | tuple):
        return [_built(child, source) for child in node]
    if not isinstance(node, Mapping):
        return node
    options = {key: _built(value, source) for key, value in node.items() if not str(key).startswith("_")}
    if "_target_" not in node:
        return options
    found = _located(str(node["_target_"]), source)
    if node.get("_partial_"):
        return partial(found, **options)
    _check_options(found, options, f"{source}: its config gives {node['_target_']}")
    with options_of(f"{source}: its config", found):
        return found(**options)


def _located(target: str, source: Any) -> Any:
    """The class or function with a dotted name. Errors inside its module are raised unchanged."""
    module, _, name = target.rpartition(".")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise
        found = None
    if not hasattr(found, name):
        raise InputError(f"{source}: its config names {target}, which is not installed here, or not on PYTHONPATH")
    return getattr(found, name)


def _check_options(found: Any, options: Mapping[str, Any], what: str) -> None:
    try:
        taken = inspect.signature(found)
    except (TypeError, ValueError):  # compiled code
        return
    try:
        taken.bind(**options)
    except TypeError as error:
        raise InputError(f"{what} invalid options: {error}") from None
