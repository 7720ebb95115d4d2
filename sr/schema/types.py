"""JSON schemas of Python's type annotations, as YAML values."""

import types
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

Schema = dict[str, Any]
PLAIN: dict[Any, str] = {int: "integer", float: "number", bool: "boolean", str: "string", Path: "string", type(None): "null"}
INTERPOLATED: Schema = {"type": "string", "pattern": r"^\?\?\?$|\$\{"}
"""What stands for a value of any type: `${scale}`, and `???` for one that the command line must pass."""
PART: Schema = {"$ref": "parts.json"}
"""A part that is built: a mapping with a `_target_`, or what becomes one (a name, a path, a list)."""


def of(annotation: Any) -> Schema:
    """The values that an argument takes. Those of classes are not checked here: a config names or builds them."""
    found = _plain(annotation)
    if found is None:
        return PART
    kinds = {str(kind) for part in found.get("anyOf", [found]) for kind in [part.get("type")]}
    return found if "string" in kinds and "anyOf" not in found else {"anyOf": [*found.get("anyOf", [found]), INTERPOLATED]}


def _plain(annotation: Any) -> Schema | None:
    """The schema of an annotation; None if a class is in it, whose values a config writes in its own way."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in PLAIN:
        return {"type": PLAIN[annotation]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        # torch's optimizers accept a tensor as learning rate too; a config cannot contain one.
        parts = [_plain(part) for part in arguments if getattr(part, "__name__", "") != "Tensor"]
        return None if None in parts else {"anyOf": [one for part in parts for one in part.get("anyOf", [part])]}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object"}
    if isinstance(origin, type) and issubclass(origin, Collection):
        parts = [_plain(part) for part in arguments if part is not Ellipsis]
        if None in parts:
            return None
        return {"type": "array", "items": {"anyOf": [*parts, INTERPOLATED]}} if parts else {"type": "array"}
    return None
