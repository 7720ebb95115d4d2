"""The schema of each kind of config file: a config group, a recipe, a command."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from sr.cli.groups import CONF
from sr.errors import InputError
from sr.schema import targets
from sr.schema.types import INTERPOLATED, PART, Schema

_RECIPE = re.compile(r"^# @package (_global_|hydra)\b", re.MULTILINE)
_SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
# Config groups whose content a recipe changes, at the key of the same name (model/module: model).
_IN_RECIPES = {"model_module", "network", "discriminator", "loss", "adversarial", "metric", "degradation", "augmentation"}
_IN_RECIPES |= {
    "data",
    "degrader",
    "image",
    "optimizer",
    "schedule",
    "trainer",
    "callback",
    "logger",
    "validation",
    "benchmark",
}
COMMANDS = ("train", "test", "predict", "report", "export")


def name_of(file: Path, conf: Path) -> str | None:
    """The schema of a config file: "network", "recipe", "train"; None for files of other programs, and Hydra's own settings."""
    where = file.relative_to(conf)
    if where.parts[:2] == ("sweep", "wandb"):
        return None
    if found := _RECIPE.search(file.read_text()):
        return "recipe" if found[1] == "_global_" else None
    return where.stem if len(where.parts) == 1 else where.parent.as_posix().replace("/", "_")


def schemas(folders: Iterable[Path] = ()) -> dict[str, Schema]:
    """Name -> JSON schema (draft 7, which editors read), for conf/ and further folders of configs.

    Raises:
        InputError: a config with a `_target_` that cannot be imported, named with its file.
    """
    contents = {file: loaded(file) for conf in (CONF, *folders) for file in sorted(conf.rglob("*.yaml"))}
    kinds: dict[str, list[Any]] = defaultdict(list)
    for conf in (CONF, *folders):
        for file in sorted(conf.rglob("*.yaml")):
            if (name := name_of(file, conf)) is not None:
                kinds[name].append(contents[file])
    known = {target: _target(target, file) for file, content in contents.items() for target in _targets(content)}
    kinds["validation"] += kinds["benchmark"]  # conf/validation/set5.yaml is that benchmark
    made = {name: _group(found, known) for name, found in kinds.items() if name not in (*COMMANDS, "recipe")}
    roots = {"recipe": CONF / "train.yaml"} | {name: CONF / f"{name}.yaml" for name in COMMANDS}
    made |= {name: _root(loaded(file), made) for name, file in roots.items()} | {"parts": _parts(known)}
    return {name: {"$schema": "http://json-schema.org/draft-07/schema#", "title": name, **one} for name, one in made.items()}


def settings() -> dict[str, list[str]]:
    """What VS Code's setting "yaml.schemas" needs: schema -> patterns of the files in conf/.

    A file of another kind than its neighbours (`# @package _global_` in conf/data) names its schema in a comment.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for folder in sorted({file.parent for file in CONF.rglob("*.yaml")} - {CONF}):
        (name, _), *_ = Counter(name_of(file, CONF) for file in folder.glob("*.yaml")).most_common()
        if name is not None:
            found[f".schema/{name}.json"].append(f"conf/{folder.relative_to(CONF)}/*.yaml")
    return found | {f".schema/{name}.json": [f"conf/{name}.yaml"] for name in COMMANDS}


def loaded(file: Path) -> Any:
    return OmegaConf.to_container(OmegaConf.load(file), resolve=False)  # OmegaConf's YAML: 1e-4 is a number


def _target(target: str, file: Path) -> tuple[Schema, bool]:
    try:
        return targets.options(target)
    except Exception as error:
        raise InputError(f"{file}: _target_={target} cannot be read: {error}") from error


def _targets(node: Any) -> set[str]:
    """The `_target_`s in a config, those of parts in parts too."""
    children = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    own = {node["_target_"]} if isinstance(node, Mapping) and "${" not in str(node.get("_target_", "${")) else set()
    return own.union(*map(_targets, children))


def _group(files: list[Any], known: Mapping[str, tuple[Schema, bool]]) -> Schema:
    """Files with a `_target_` at their top, files that give it to named parts (`l1: {...}`), or entries without any."""
    files = [file for file in files if isinstance(file, Mapping)]
    tops = {file["_target_"] for file in files if "_target_" in file}
    if tops:
        return _either(tops, known)
    named: dict[str, set[str]] = defaultdict(set)
    for file in files:
        for name, part in file.items():
            named[name] |= {part["_target_"]} if isinstance(part, Mapping) and "_target_" in part else set()
    parts = set().union(*named.values())
    entry = _either(parts, known) if parts else _entry(files)
    properties = {name: _either(of, known) if of else entry for name, of in named.items() if name != "defaults"}
    properties["defaults"] = targets.HYDRA["defaults"]
    return {"type": "object", "properties": properties, "additionalProperties": entry}


def _either(names: Iterable[str], known: Mapping[str, tuple[Schema, bool]]) -> Schema:
    """A mapping that says its `_target_`, or one that changes options of a config that does: then of any of these targets."""
    names = sorted(names)
    options: dict[str, list[Schema]] = defaultdict(list)
    for name in names:
        for key, schema in known[name][0].items():
            options[key] += [schema] if schema not in options[key] else []
    merged = {key: found[0] if len(found) == 1 else {"anyOf": found} for key, found in options.items()}
    some = {"properties": {**targets.HYDRA, **merged}, "additionalProperties": any(known[name][1] for name in names)}
    return {"type": "object", "if": {"required": ["_target_"]}, "then": PART, "else": some}


def _entry(files: list[Mapping]) -> Schema:
    """Of a group without classes (conf/published): the keys that its entries have."""
    keys = {key for file in files for part in file.values() if isinstance(part, Mapping) for key in part}
    return {"type": ["object", "boolean"], "properties": dict.fromkeys(sorted(keys), {}), "additionalProperties": False}


def _root(content: Mapping, groups: Mapping[str, Schema]) -> Schema:
    """The top of the composed config: the keys of a command, and a part for each group. Others are allowed, as by Hydra."""
    parts = {name.removesuffix("_module"): {"$ref": f"{name}.json"} for name in sorted(_IN_RECIPES & groups.keys())}
    own = {"discriminator_optimizer": parts["optimizer"], "hydra": {"type": "object"}}
    keys = {key: _like(value) for key, value in content.items() if key != "defaults"}
    return {"type": "object", "properties": {"defaults": targets.HYDRA["defaults"], **parts, **own, **keys}}


def _like(value: Any) -> Schema:
    """The values that a key of a command takes, by its default."""
    if isinstance(value, Mapping):
        return {"type": "object", "properties": {key: _like(one) for key, one in value.items()}}
    if isinstance(value, bool):
        return {"anyOf": [{"type": "boolean"}, INTERPOLATED]}
    return {} if value is None or isinstance(value, list) else _SCALAR


def _parts(known: Mapping[str, tuple[Schema, bool]]) -> Schema:
    """A part, checked by its `_target_`; one from elsewhere is not."""
    cases, definitions = [], {}
    for name, (options, is_open) in sorted(known.items()):
        cases.append({"if": {"properties": {"_target_": {"const": name}}}, "then": {"$ref": f"#/definitions/{name}"}})
        taken = {"properties": {**targets.HYDRA, **options}, "additionalProperties": is_open}
        definitions[name] = {"description": targets.summary(name), **taken}
    return {"if": {"type": "object", "required": ["_target_"]}, "then": {"allOf": cases}, "definitions": definitions}
