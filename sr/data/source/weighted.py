"""Parses `data.train` and its like: folders and sources, single or in a list, with weights."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sr.data.source.folder import Folder
from sr.errors import InputError

_KEYS = ("path", "source", "lr", "weight")


def weighted(
    train: Any, lr: str | None = None, kind: Callable[..., Any] = Folder, key: str = "data.train"
) -> list[tuple[Any, float]]:
    """Sources with their weights, from a folder, a source, {path | source: ..., lr: ..., weight: ...} or a list of these.

    Args:
        train: the value of `data.train`.
        lr: folder of the LR partners, if `train` is one folder.
        kind: the source of a path and its `lr`.
        key: the option whose value it is, for messages.

    Raises:
        InputError: no folder or source, unknown keys, a weight that is not positive, `lr` together with a list (one line).
    """
    entries = list(train) if isinstance(train, Sequence) and not isinstance(train, str) else [train]
    if not entries:
        raise InputError(f"{key} is an empty list: pass at least one folder or source")
    if lr is not None and len(entries) > 1:
        raise InputError("data.lr needs a single folder; in a list pass data.train=[{path: /hr, lr: /lr}, ...]")
    return [_source(entry, lr, kind, key) for entry in entries]


def _source(entry: Any, lr: str | None, kind: Callable[..., Any], key: str) -> tuple[Any, float]:
    if isinstance(entry, str | Path):
        return _folder(entry, lr, kind, key), 1.0
    if not isinstance(entry, Mapping):
        if not hasattr(entry, "prepare"):
            raise InputError(f"{key}={entry}: pass a folder, a source, or a list of them")
        return entry, 1.0
    if unknown := [name for name in entry if name not in _KEYS]:
        raise InputError(f"{key}: unknown key {unknown[0]!r} in {_shown(entry)}; choose from {', '.join(_KEYS)}")
    if ("path" in entry) == ("source" in entry):
        raise InputError(f"{key}: {_shown(entry)} needs either path or source")
    weight = entry.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < float("inf"):
        raise InputError(f"{key}: weight must be a positive number, got {weight!r} in {_shown(entry)}")
    if "source" in entry:
        if "lr" in entry:
            raise InputError(f"{key}: lr needs path, not source, in {_shown(entry)}")
        return entry["source"], float(weight)
    return _folder(entry["path"], entry.get("lr", lr), kind, key), float(weight)


def _folder(path: str | Path, lr: str | Path | None, kind: Callable[..., Any], key: str) -> Any:
    for option, folder in ((key, path), ("data.lr", "." if lr is None else lr)):
        if not (isinstance(folder, str | Path) and str(folder)):  # Path("") would be the working folder
            raise InputError(f"{option}={folder!r} is not a folder; for the working folder pass .")
    return kind(path, lr)


def _shown(entry: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in entry.items()) + "}"
