"""The folder of a run: what Hydra made of it is taken away again where a job left nothing in it."""

from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from sr.files import absent, remove_empty

_made: list[Path] = []  # by this process: what was not there before


class Made(Callback):
    """Notes, before Hydra makes the folder of a run, which of it and of its parents are not there."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        HydraConfig.instance().set_config(config)  # the folder's name may ask for what was chosen, as in the job
        _made[:] = absent(str(OmegaConf.select(config, "hydra.run.dir")))


def clear() -> None:
    """Remove those that are empty. A folder that the user made stays, empty or not."""
    remove_empty(_made)
