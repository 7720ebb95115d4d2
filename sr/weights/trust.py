"""Which classes a file may name. Checkpoints and run.json are untrusted input: a class that they name is built only if this
project, a known library, the command line or an installed package names it too. A file never extends that list.
"""

import importlib
import sys
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from sr.cli import CONF, overrides
from sr.cli.named import targets, targets_of
from sr.errors import InputError

ENTRY_POINTS = "sr.trusted"  # entry point group in which an installed package names its modules or classes
_HARMLESS = (
    "_target_",
    "_partial_",
    "_convert_",
    "_recursive_",
)  # keys that Hydra's instantiate reads and that call nothing by themselves
# In these packages every class of that kind is allowed: its constructor opens no file, process or server.
_LIBRARIES = {
    "torch.optim.": ("torch.optim.Optimizer", "torch.optim.lr_scheduler.LRScheduler"),
    "torch.nn.": ("torch.nn.Module",),
    "pytorch_lightning.callbacks.": ("pytorch_lightning.Callback",),
}
# Ours, outside the folders of config groups: it opens weight files as carefully as every command does.
_FUNCTIONS = ("sr.weights.frozen.frozen",)
# Those callbacks write, and partly delete, files wherever their options say.
_WRITERS = ("Checkpoint", "BasePredictionWriter", "SpikeDetection", "LearningRateFinder", "BatchSizeFinder")


def of_command_line(cfg: DictConfig) -> frozenset[str]:
    """The names that this command line adds to the project's configs: `trust=[...]`, every `_target_` in its overrides, and
    those of the YAMLs in `--config-dir` and `hydra.searchpath`.
    """
    names = given(cfg.get("trust"))
    if HydraConfig.initialized():
        names |= targets_of(overrides())
        for source in HydraConfig.get().runtime.config_sources:
            if source.provider != "hydra" and (folder := _folder(source.schema, source.path)) not in (None, CONF):
                names |= in_folder(folder)
    return frozenset(names)


def given(value: Any) -> set[str]:
    """The names in a value of `trust`: one name or a list."""
    return {value} if isinstance(value, str) else {str(name) for name in value or []}


def in_folders(folders: Collection[str]) -> set[str]:
    """The `_target_`s of all YAMLs in these folders."""
    return {name for folder in folders for name in in_folder(Path(folder).resolve())}


def _folder(schema: str, path: str) -> Path | None:
    """The folder of a config source; None if it has none."""
    if schema == "pkg":
        return Path(str(files(path)))
    return Path(path).resolve() if schema == "file" else None


def check(config: Any, source: str, trusted: Collection[str] = ()) -> None:
    """Refuse a config from a file that names untrusted classes. Nothing of it is imported before.

    Args:
        config: plain values.
        source: the file, for the message.
        trusted: names that the user gave: a class, or a module or package with all its classes.

    Raises:
        InputError: one line that names the file, the class and what to do.
    """
    for target in targets(config):
        if not allowed(target, trusted):
            raise InputError(f"{source}: its config names {target}, which {UNKNOWN}; nothing was run{advice(target)}")
    if foreign := next((key for key in _hydra_keys(config) if key not in _HARMLESS), None):
        raise InputError(f"{source}: its config has the forbidden key {foreign}; nothing was run")


UNKNOWN = "neither this project nor your command line names"


def advice(target: str) -> str:
    """How a user who knows the class can trust it; empty if the name is not a class of a package."""
    package = target.split(".")[0]
    if package in sys.stdlib_module_names or package == "__main__" or "." not in target:
        return ""
    return f". If you trust it, pass trust=[{target}] (Python: trusted=[...]) or --config-dir with its YAML"


def allowed(target: str, trusted: Collection[str] = ()) -> bool:
    """Whether a file may name `target`: see the list at the top."""
    named = (*trusted, *_FUNCTIONS, *in_folder(CONF))
    return target in named or _own(target) or known(target) or below(target, trusted)


@cache
def in_folder(folder: Path) -> frozenset[str]:
    """The `_target_`s of all YAMLs in a folder of configs."""
    found: set[str] = set()
    for file in sorted(folder.rglob("*.yaml")):
        try:
            found |= set(targets(yaml.safe_load(file.read_text(encoding="utf-8"))))
        except (yaml.YAMLError, UnicodeDecodeError):
            continue  # Hydra reports the error if the file is composed
    return frozenset(found)


def installed() -> frozenset[str]:
    """The modules or classes that installed packages name in the entry point group `sr.trusted`."""
    return frozenset(point.value.replace(":", ".") for point in entry_points(group=ENTRY_POINTS))


def _own(target: str) -> bool:
    """Whether it is a class of this repository, in the folder of a config group, with or without a YAML."""
    parts = target.split(".")
    return (
        len(parts) > 3 and parts[0] == "sr" and (CONF / parts[1]).is_dir() and class_in(target, f"sr.{parts[1]}.") is not None
    )


def known(target: str) -> bool:
    """Whether it is a class of a known library that can be built without harm."""
    for package, kinds in _LIBRARIES.items():
        if target.startswith(package) and (found := class_in(target, package)) is not None:
            bases = tuple(_attribute(kind) for kind in kinds)
            return issubclass(found, bases) and not {base.__name__ for base in found.__mro__} & set(_WRITERS)
    return False


def below(target: str, trusted: Collection[str]) -> bool:
    """Whether it is a class of a module or package that the user or an installed package names."""
    every = [f"{name}." for name in (*trusted, *installed())]
    if f"{target}." in every:
        return True
    return any(target.startswith(name) and class_in(target, name) is not None for name in every)


def class_in(target: str, package: str) -> type | None:
    """The class with that name if it is defined in `package`, not just imported there."""
    module, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise  # the module exists and fails to import another
        return None
    return found if isinstance(found, type) and f"{found.__module__}.".startswith(package) else None


def _attribute(name: str) -> type:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def _hydra_keys(node: Any) -> Iterator[str]:
    """Keys with a meaning for Hydra's instantiate, which calls what a config names."""
    if isinstance(node, Mapping):
        yield from (key for key in node if isinstance(key, str) and key.startswith("_") and key.endswith("_"))
    for child in node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ():
        yield from _hydra_keys(child)
