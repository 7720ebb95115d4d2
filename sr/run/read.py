"""Reads the files of a run's folder: run.json, metrics.json, config.yaml. They are untrusted input."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sr.errors import InputError, MissingError, StorageError, UserError

_PARSERS = {".json": ("JSON", json.loads), ".yaml": ("YAML", yaml.safe_load)}


def content(file: str | Path, kinds: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The content of a run's file: a mapping whose values, where present, have the given types.

    Raises:
        MissingError, InputError, StorageError: one line that names the file.
    """
    file = Path(file)
    kind, parse = _PARSERS[file.suffix]
    try:
        found = parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingError(f"{file}: no such file; a finished run of train.py has one") from None
    except OSError as error:
        raise StorageError(error.errno, error.strerror, str(file)) from None
    except (ValueError, RecursionError, yaml.YAMLError):
        raise InputError(f"{file}: not {kind}, or truncated") from None
    if not isinstance(found, Mapping):
        raise InputError(f"{file}: invalid content")
    for key, wanted in (kinds or {}).items():
        if found.get(key) is not None and not isinstance(found[key], wanted):
            raise InputError(f"{file}: invalid value of {key}")
    return dict(found)


def read(folder: str | Path) -> dict[str, Any]:
    """run.json of a run's folder.

    Raises:
        MissingError, InputError, StorageError: one line that names the file.
    """
    file = Path(folder, "run.json")
    found = content(file, {"command": list})
    if found.get("command") is None:
        raise InputError(f"{file}: not a run.json of train.py (it has no command)")
    return found


def known(folder: str | Path) -> dict[str, Any]:
    """run.json of a folder that may have none; empty if it cannot be read."""
    try:
        return read(folder)
    except UserError:
        return {}
