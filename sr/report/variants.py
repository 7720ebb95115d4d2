"""Groups runs that differ only in their seed into variants; the other differences are what was studied."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sr.cli import groups
from sr.report.runs import Run

# Keys that do not affect a result.
_ELSEWHERE = ("seed", "output_dir", "resume", "data_dir", "study", "variant", "sweep_resume", "reproduce", "profile", "logger")
_ELSEWHERE += ("data.cache_dir", "data.n_workers", "data.download", "callback", "preview")
_MISSING = "–"
_RESERVED = ("bicubic", "input", "HR")  # names that the report uses itself


@dataclass
class Variant:
    """Runs with one configuration, one per seed."""

    name: str
    runs: list[Run]

    @property
    def seeds(self) -> list[int | None]:
        return [run.seed for run in self.runs]


def group(runs: Sequence[Run]) -> list[Variant]:
    """Variants in the order of their first runs, with short unique names.

    A run belongs to the `variant` (and `study`) in its run.json; without one, runs with equal configs except for seed and
    folders form a variant.
    """
    groups: dict[tuple, list[Run]] = {}
    for run in runs:
        named = run.facts.get("variant") or run.config.get("variant")
        study = run.facts.get("study") or run.config.get("study")
        known = json.dumps(flat(run.config), sort_keys=True, default=str)
        key = ("named", str(study), str(named)) if named else ("config", known)
        groups.setdefault(key, []).append(run)
    names = _names(groups)
    members = [sorted(runs, key=lambda run: (len(str(run.seed)), str(run.seed))) for runs in groups.values()]
    return [Variant(name, runs) for name, runs in zip(names, members, strict=True)]


def flat(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted key -> value of what affects a result."""
    found = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        if name in _ELSEWHERE:
            continue
        if isinstance(value, dict) and value:
            found |= flat(value, f"{name}.")
        else:
            found[name] = value
    return found


def differences(variants: Sequence[Variant]) -> dict[str, list[str]]:
    """Config key -> its value in each variant, for the keys that differ between any two."""
    configs = [flat(variant.runs[0].config) for variant in variants]
    keys = dict.fromkeys(key for config in configs for key in config)
    table = {key: [_text(config[key]) if key in config else _MISSING for config in configs] for key in keys}
    return dict(_short(key, values) for key, values in table.items() if len(set(values)) > 1)


def _short(key: str, values: list[str]) -> tuple[str, list[str]]:
    """A config group's class without its package: `network._target_`: sr.network.rrdb.RRDB is `network`: rrdb.RRDB."""
    if not key.endswith("._target_"):
        return key, values
    return key.removesuffix("._target_"), [".".join(value.split(".")[-2:]) for value in values]


def mixed(variant: Variant) -> list[str]:
    """Config keys that differ between the runs of a variant, besides their seed."""
    return list(differences([Variant("", [run]) for run in variant.runs]))


def _names(groups: dict[tuple, list[Run]]) -> list[str]:
    """`variant` (with its study if two share a name), otherwise the folder without its seed, otherwise the differing keys."""
    listed = list(groups.items())
    values = differences([Variant("", runs) for _, runs in listed])
    choices = []
    for index, ((kind, *key), runs) in enumerate(listed):
        folder = _folder(runs)
        by_keys = ", ".join(f"{name.rsplit('.', 1)[-1]}={row[index]}" for name, row in list(values.items())[:4])
        if kind == "named":
            choices.append([key[1], f"{key[0]}/{key[1]}"])
        else:
            choices.append([folder or by_keys or runs[0].folder.name, f"{runs[0].folder.parent.name}/{runs[0].folder.name}"])
    names = [choice[0] for choice in choices]
    names = [choice[names.count(choice[0]) > 1] for choice in choices]
    taken = [name for name in names if names.count(name) > 1 or name in _RESERVED]
    return [f"{name} ({names[:i].count(name) + 1})" if name in taken else name for i, name in enumerate(names)]


def _folder(runs: Sequence[Run]) -> str | None:
    """The name of the runs' folders without number, seed and date, where they agree on it."""
    names = {_stem(run.folder) for run in runs}
    return names.pop() if len(names) == 1 else None


def _stem(folder: Path) -> str:
    """What a folder says about its variant. That of a job of a sweep, `0_model-espcn_seed-1`, names values of config groups
    (espcn) and keys with their values (n_feats-8); of a sweep over seeds alone it is the sweep's."""
    folder = folder.resolve()
    if re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d", folder.name):
        folder = folder.parent
    name = re.sub(r"^\d+_(?=.)", "", folder.name)
    if name != folder.name:
        name = re.sub(rf"(^|_)({'|'.join(groups.names())})-", r"\1", name)
    name = re.sub(r"(^|[_,-])seed[-=_]?\d+", "", name).strip("_-,")
    return name or _stem(folder.parent)


def _text(value: Any) -> str:
    return "null" if value is None else json.dumps(value) if isinstance(value, list | dict | bool) else str(value)
