"""Checks a config against the signatures of the classes and functions that receive it."""

import inspect
import types
from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin, get_type_hints

from hydra.utils import get_object
from omegaconf import OmegaConf

from sr.device.private import key_of_node
from sr.errors import InputError

_PLAIN = (int, float, bool, str, type(None))


def check(node: Any) -> None:
    """Check every `_target_` below a config node, before anything is built.

    Values are checked if the annotation is int, float, bool, str or a union of these (an int is accepted for a float). Names of
    options are checked for partials; for the others Hydra does it.

    Raises:
        InputError: a value of another type, or an unknown option (one line with the key).
    """
    content = OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node
    for key, spec in _specs(content, key_of_node(node)):
        target, options = spec["_target_"], {name: value for name, value in spec.items() if not name.startswith("_")}
        plain, names = _arguments(target)
        if spec.get("_partial_") and names is not None and (unknown := sorted(options.keys() - names)):
            raise InputError(f"{key}{unknown[0]}: {target} has no such option; ~{key}{unknown[0]} removes it from a recipe")
        for name in options.keys() & plain.keys():
            value, allowed = options[name], plain[name]
            if value == "???" or not isinstance(value, _PLAIN):
                continue
            if not (type(value) in allowed or (type(value) is int and float in allowed)):
                wanted = " or ".join("null" if kind is type(None) else kind.__name__ for kind in allowed)
                raise InputError(f"{key}{name}={value}: {target} expects {wanted}")


def _specs(node: Any, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(key with a trailing dot, node) of each node with a `_target_`."""
    prefix = f"{key}." if key else ""
    if isinstance(node, dict) and "_target_" in node:
        yield prefix, node
    if isinstance(node, dict | list):
        for name, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _specs(child, f"{prefix}{name}")


def _arguments(target: str) -> tuple[dict[str, tuple[type, ...]], set[str] | None]:
    """Arguments with a plain annotation -> their types; and the names of all arguments, None if **kwargs accepts any."""
    try:
        found = get_object(target)
        parameters = inspect.signature(found).parameters
        hints = get_type_hints(found.__init__ if inspect.isclass(found) else found)
    except Exception:  # unknown target: Hydra reports it; unreadable annotations: nothing to check
        return {}, None
    kinds = {name: get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,) for name, hint in hints.items()}
    # torch's optimizers accept a tensor as learning rate too; a config cannot contain one.
    kinds = {name: tuple(part for part in kind if getattr(part, "__name__", "") != "Tensor") for name, kind in kinds.items()}
    plain = {name: kind for name, kind in kinds.items() if kind and all(part in _PLAIN for part in kind)}
    return plain, None if any(p.kind is p.VAR_KEYWORD for p in parameters.values()) else set(parameters)
