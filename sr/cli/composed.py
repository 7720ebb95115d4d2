"""The config that the valid overrides of this command line compose, for messages about an invalid override."""

import sys
from itertools import islice, pairwise
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from sr.cli import groups

_MAX_CHOICES = 12  # swept choices that are composed: each takes a tenth of a second


def keys(config_name: str) -> list[str]:
    """All keys of the config that the valid overrides of this command line compose."""
    for words in (_choices(), []):
        if (config := _compose(config_name, words)) is not None:
            return sorted(_flatten(OmegaConf.to_container(config, resolve=False))) + sorted(groups.names())
    return sorted(groups.names())


def swept_with(key: str, config_name: str) -> list[str]:
    """The choices of a sweep (`model=esrgan`) whose config has a key that the other choices lack."""
    if not {"-m", "--multirun"} & set(sys.argv) and not any(word.startswith("experiment=") for word in sys.argv):
        return []
    config = _compose(config_name, _choices(), hydra_too=True)
    params = {} if config is None else OmegaConf.to_container(config.hydra.sweeper).get("params") or {}
    found = []
    for word in islice(_swept([*(f"{name}={value}" for name, value in params.items()), *sys.argv[1:]]), _MAX_CHOICES):
        config = _compose(config_name, [*_choices(), word])
        if config is not None and _has(OmegaConf.to_container(config, resolve=False), key.split(".")):
            found.append(word)
    return found


def _swept(words: list[str]) -> list[str]:
    """Each value of a swept config group: model=rrdb,esrgan -> model=rrdb, model=esrgan."""
    found = []
    for word in words:
        if word.lstrip("+").split("=")[0].split("@")[0] not in groups.names():
            continue
        try:
            override = OverridesParser.create().parse_override(word)
        except HydraException:
            continue
        if override.is_discrete_sweep():
            found += [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]
    return found


def _choices() -> list[str]:
    """The overrides of this command line that choose one config each, and its config search paths."""
    known, words = set(groups.names()), sys.argv[1:]
    chosen = [word for word in words if word.split("=")[0].split("/")[0] in known and "," not in word.split("=", 1)[1]]
    chosen = [word for word in chosen if not word.startswith("hydra.")]
    chosen += [word for word in words if word.startswith("hydra.searchpath=")]
    for flag, folder in pairwise([*words, ""]):
        if flag in ("--config-dir", "-cd") or flag.startswith("--config-dir="):
            chosen.append(f"hydra.searchpath=['file://{folder if '=' not in flag else flag.split('=', 1)[1]}']")
    return chosen


def _compose(config_name: str, words: list[str], *, hydra_too: bool = False) -> DictConfig | None:
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(groups.CONF), version_base="1.3"):
        try:
            return hydra.compose(config_name, words, return_hydra_config=hydra_too)
        except HydraException:
            return None


def _has(node: Any, path: list[str]) -> bool:
    for name in path:
        if not isinstance(node, dict) or name not in node:
            return False
        node = node[name]
    return True


def _flatten(node: object, prefix: str = "") -> list[str]:
    if not isinstance(node, dict):
        return [prefix]
    return [key for name, child in node.items() for key in _flatten(child, f"{prefix}.{name}" if prefix else str(name))]
