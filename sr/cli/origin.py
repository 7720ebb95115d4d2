"""Where a value of a composed config came from: the command line, a chosen config, or the default."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from sr.cli.names import overrides
from sr.cli.words import key_of

_LAST_FIRST = ("sweep", "experiment", "model", "data")  # groups that may set keys of other groups; the last one wins


def scale_line(cfg: DictConfig) -> str:
    """The scale of a training run and where it was set, for the first lines of the output."""
    return f"scale: x{cfg.scale} ({_origin(cfg)})"


def _origin(cfg: DictConfig) -> str:
    if cfg.get("resume"):
        return "from the resumed run"
    if not HydraConfig.initialized() or any(key_of(word) == "scale" for word in overrides()):
        return "from the command line" if HydraConfig.initialized() else "from the config"
    runtime = HydraConfig.get().runtime
    folders = [Path(source.path) for source in runtime.config_sources if source.schema == "file"]
    for group in (*_LAST_FIRST, *(key for key in runtime.choices if key not in _LAST_FIRST)):
        choice = runtime.choices.get(group)
        if choice and any(content.get("scale") == cfg.scale for content in _contents(folders, group, str(choice))):
            return f"set by {group}={choice}; override with scale=N"
    return "default; override with scale=N"


def _contents(folders: list[Path], group: str, choice: str) -> Iterator[dict[str, Any]]:
    """A chosen config and its base configs in the same group, without interpolated values."""
    file = next(
        (folder / group / f"{choice}.yaml" for folder in folders if (folder / group / f"{choice}.yaml").is_file()), None
    )
    content = yaml.safe_load(file.read_text()) if file else None
    if not isinstance(content, dict):
        return
    if file.read_text().lstrip().startswith("# @package _global_"):
        yield content
    for entry in content.get("defaults") or []:
        if isinstance(entry, str) and not entry.startswith(("_", "/")) and entry != choice:
            yield from _contents(folders, group, entry)
