"""Removes the folders that Hydra created for a run if the job left them empty."""

from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from sr.files import absent, remove_empty

_made: list[Path] = []  # folders that this process creates


class Made(Callback):
    """Records, before Hydra creates the folder of a run, which of it and its parents do not exist yet."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        HydraConfig.instance().set_config(config)  # the folder's name may interpolate the chosen configs
        _made[:] = absent(str(OmegaConf.select(config, "hydra.run.dir")))


def clear() -> None:
    """Remove those that are empty. Folders that existed before stay, empty or not."""
    remove_empty(_made)
