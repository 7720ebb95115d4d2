"""Parsing of the command line: Hydra's flags, values of keys, config folders, classes."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from sr.cli.words import key_of
from sr.errors import InputError

# Flags of Hydra that take a value (https://hydra.cc/docs/advanced/hydra-command-line-flags).
_WITH_VALUE = ("--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn", "--package", "-p", "--cfg", "-c")
_CONFIG_DIR = ("--config-dir", "-cd")
_INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")  # values of --info


def split(words: list[str]) -> tuple[list[str], list[str]]:
    """Hydra's flags with their values, and the overrides."""
    flags, overrides, last = [], [], ""
    for word in words:
        value = last in _WITH_VALUE or (last in ("--info", "-i") and word in _INFO)
        (flags if value or word.startswith("-") else overrides).append(word)
        last = "" if value else word
    return flags, overrides


def config_dirs(words: list[str]) -> list[str]:
    """The folders given by `--config-dir`, as absolute paths."""
    found, rest = [], iter(words)
    for word in rest:
        flag, is_one_word, value = word.partition("=")
        if flag in _CONFIG_DIR:
            found.append(value if is_one_word else next(rest, ""))
    return [str(Path(folder).resolve()) for folder in found if folder]


def in_order(words: list[str]) -> list[str]:
    """Hydra's flags first: its parser accepts no override after them, and Lightning appends some for further processes."""
    flags, overrides = split(words)
    return [*flags, *overrides]


def value_of(key: str, words: list[str]) -> str | None:
    """The value that a command line gives a key, or None.

    Raises:
        InputError: several values, as in a sweep.
    """
    word = next((word for word in reversed(words) if word.startswith(f"{key}=")), None)
    if word is None:
        return None
    override = OverridesParser.create().parse_override(word)
    if override.is_sweep_override():
        raise InputError(f"{word}: {key} takes one value")
    return None if override.value() is None else str(override.value())  # a name may be a number


def values_of(key: str, words: list[str]) -> set[str]:
    """The values that a command line gives a key that takes one name or a list."""
    word = next((word for word in reversed(words) if word.startswith(f"{key}=")), None)
    value = OverridesParser.create().parse_override(word).value() if word else None
    return {str(name) for name in (value if isinstance(value, list) else [] if value is None else [value])}


def targets_of(words: list[str]) -> set[str]:
    """The `_target_`s in overrides: `optimizer._target_=torch.optim.NAdam`, `+callback.x={_target_: a.B}`."""
    found: set[str] = set()
    for word in words:
        if "_target_" not in word:
            continue
        with suppress(HydraException):  # Hydra reports invalid overrides itself
            override = OverridesParser.create().parse_override(word)
            if override.is_sweep_override() or override.is_delete():
                continue
            if key_of(word).rsplit(".", 1)[-1] == "_target_":
                found.add(str(override.value()))
            else:
                found |= set(targets(override.value()))
    return found


def targets(node: Any) -> Iterator[str]:
    """Every `_target_` in a config of plain values."""
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield str(node["_target_"])
        for child in node.values():
            yield from targets(child)
    elif isinstance(node, list):
        for child in node:
            yield from targets(child)
