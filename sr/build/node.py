"""Turns a config node into an object, and reads the choices of a config group."""

from collections.abc import Mapping
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.utilities import rank_zero_only

from sr.cli import aliases, signature


def build(node: Any, **finished: Any) -> Any:
    """Instantiate a config node; lists and dicts are passed as plain ones (not as OmegaConf's)."""
    aliases.update(node)
    signature.check(node)
    return instantiate(node, _convert_="all", **finished)


def group(cfg: DictConfig, name: str) -> Mapping[str, Any]:
    """The choices of a config group of lists. For `callback=[]` Hydra composes a config without the key."""
    return cfg.get(name) or {}


def chosen(cfg: DictConfig, name: str) -> dict[str, Any]:
    """A config group of lists without settings for parts that are not chosen, which have no `_target_`.

    For example the weight of a loss that loss=[...] removed, or an option for the second of two stages.
    """
    return {part: node for part, node in group(cfg, name).items() if is_part(node)}


def is_part(node: Any) -> bool:
    """Whether a node describes an object."""
    return isinstance(node, Mapping | DictConfig) and "_target_" in node


def plain(source: Any) -> Any:
    """A config value as plain Python."""
    return OmegaConf.to_container(source) if OmegaConf.is_config(source) else source


def say(line: str | None) -> None:
    """Print a line, if there is one, in the first process of a run."""
    if line:
        rank_zero_only(print)(line)
