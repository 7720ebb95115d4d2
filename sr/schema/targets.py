"""The schema of a `_target_`: its options, from the signature and the docstring of the class or function."""

import inspect
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, get_type_hints

from hydra.utils import get_object

from sr.schema import types
from sr.schema.types import Schema

HYDRA: Schema = {
    "_target_": {"type": "string", "description": "the class or function that is called with the other keys"},
    "_partial_": {"type": "boolean", "description": "true: call it later, with further arguments"},
    "_recursive_": {"type": "boolean"},
    "_convert_": {"enum": ["none", "partial", "object", "all"]},
    "_args_": {"type": "array"},
    "defaults": {"type": "array", "description": "configs that this one starts from; later ones win"},
}
# Options that sr/build and sr/device read, and replace, before the class is called.
OURS: dict[str, dict[str, Schema]] = {
    "pytorch_lightning.Trainer": {"precision": {"type": ["string", "integer"], "description": "auto, 32-true, bf16-mixed ..."}},
    "sr.model.regression.Regression": {
        "quantise": {"enum": ["int8", None], "description": "int8: train with the rounding of 8-bit files"},
        "float_layers": {"type": ["array", "null"], "description": "with int8: convolutions that stay in float"},
    },
}
_OPEN = inspect.Parameter.VAR_KEYWORD


@cache
def options(target: str) -> tuple[Schema, bool]:
    """Option -> its schema with description and default; and whether it takes others too (**kwargs that go elsewhere).

    Raises:
        ImportError, AttributeError: there is no such class or function.
    """
    found, known, is_open = get_object(target), dict(OURS.get(target, {})), False
    for function, owner in _functions(found):
        hints, about = _hints(function), arguments(inspect.getdoc(owner) or "")
        taken = [one for one in inspect.signature(function).parameters.values() if one.name != "self"]
        for one in taken:
            if one.kind not in (_OPEN, inspect.Parameter.VAR_POSITIONAL):
                known.setdefault(one.name, _option(hints.get(one.name), one.default, about.get(one.name)))
        if not (is_open := any(one.kind is _OPEN for one in taken)):
            break
    return known, is_open


def summary(target: str) -> str:
    """The first line of the docstring."""
    return (inspect.getdoc(get_object(target)) or "").partition("\n")[0]


def arguments(docstring: str) -> dict[str, str]:
    """Argument -> its text in the section "Args:"; "a, b: text" describes two."""
    section = re.search(r"^Args:\n((?:[ ]+.*\n?|\n)*)", docstring, re.MULTILINE)
    found: dict[str, str] = {}
    for names, text in re.findall(r"^ {4}(\w[\w, ]*): (.*(?:\n {5,}.*)*)", section[1] if section else "", re.MULTILINE):
        found |= dict.fromkeys(re.split(r",\s*", names), " ".join(text.split()))
    return found


def _functions(found: Any) -> Iterator[tuple[Any, Any]]:
    """What is called, and then, for a class of ours whose **kwargs go to its parents, what these are called with."""
    if not inspect.isclass(found):
        yield found, found
        return
    for owner in found.__mro__:
        if "__init__" in vars(owner) and owner is not object:
            yield owner.__init__, owner
            if not owner.__module__.startswith("sr."):
                return


def _option(annotation: Any, default: Any, about: str | None) -> Schema:
    schema = dict(types.PART if annotation is None else types.of(annotation))
    if about:
        schema["description"] = about
    try:
        return schema if default is inspect.Parameter.empty else {**schema, "default": json.loads(json.dumps(default))}
    except (TypeError, ValueError):
        return schema


def _hints(function: Any) -> dict[str, Any]:
    try:
        return get_type_hints(function)
    except Exception:  # names that are imported for type checkers alone: then nothing is checked
        return {}
