"""New locations of classes that moved: older checkpoints, run folders and YAMLs use their old names."""

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from sr.say import warn

# Old module, class or function -> new one. The longest match counts.
MOVED = {
    "sr.callback.background": "sr.plugin.checkpoint_io",
    "sr.callback.phases": "sr.plugin.profiler",
    "sr.data.benchmark": "sr.benchmark.pairs",
    "sr.data.folder": "sr.data.source.folder",
    "sr.data.official": "sr.data.source.official",
    "sr.data.sample": "sr.data.source.sample",
    "sr.data.teaching": "sr.data.source.teaching",
    "sr.logger.CSV": "sr.logger.csv.CSV",
    "sr.logger.wandb_logger": "sr.logger.wandb.wandb_logger",
    "sr.model.schedule": "sr.schedule.curves",
    "sr.vgg": "sr.backbone.vgg",
}


def current(target: str) -> str:
    """The current name of a `_target_`."""
    for old in sorted(MOVED, key=len, reverse=True):
        if target == old or target.startswith(f"{old}."):
            return MOVED[old] + target[len(old) :]
    return target


def renamed(node: Any) -> Any:
    """A config of plain values with every `_target_` replaced by its current name; other values are the same objects."""
    if isinstance(node, dict):
        return {
            key: current(value) if key == "_target_" and isinstance(value, str) else renamed(value)
            for key, value in node.items()
        }
    return [renamed(child) for child in node] if isinstance(node, list) else node


def update(node: Any) -> None:
    """Replace old names in a user's config by the current ones, in place, with one warning for each."""
    if isinstance(node, DictConfig) and not OmegaConf.is_missing(node, "_target_"):
        target = node.get("_target_")
        if isinstance(target, str) and current(target) != target:
            warn(f"_target_: {target} is now {current(target)}; change it in your YAML")
            node["_target_"] = current(target)
    if isinstance(node, DictConfig | ListConfig):
        for key in node if isinstance(node, DictConfig) else range(len(node)):
            if not OmegaConf.is_missing(node, key) and not OmegaConf.is_interpolation(node, key):
                update(node[key])


def without_modules(node: Any) -> Any:
    """The config with the names of classes alone, for their files may move; the order of stages counts, that of options not."""
    if isinstance(node, Mapping):
        ordered = sorted(node.items()) if "_target_" in node else node.items()
        return {key: str(value).rsplit(".", 1)[-1] if key == "_target_" else without_modules(value) for key, value in ordered}
    return [without_modules(child) for child in node] if isinstance(node, list | tuple) else node
