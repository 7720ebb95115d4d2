"""The setup of a run before its parts are built: the seed, Lightning's messages, config.yaml."""

import logging
import warnings
from pathlib import Path

import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf

from sr.cli import plain_warnings
from sr.errors import InputError
from sr.files import whole


def seed(cfg: DictConfig) -> None:
    """Set one seed for weights and all random numbers."""
    if type(cfg.seed) is not int or not 0 <= cfg.seed < 2**32:
        raise InputError(f"seed={cfg.seed}: must be a whole number from 0 to {2**32 - 1}")
    pl.seed_everything(cfg.seed, workers=True, verbose=False)


def quiet() -> None:
    """Silence Lightning's advertising and its warnings about intended behaviour."""
    for name in ("pytorch_lightning", "lightning_fabric", "lightning.pytorch", "pytorch_lightning.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=UserWarning, module="pytorch_lightning|lightning_fabric|torch.utils.data")
    warnings.filterwarnings(
        "ignore",
        ".*(does not have many workers|LeafSpec|torch.meshgrid: in an upcoming release|new API settings to control TF32).*",
    )
    plain_warnings()  # again: importing Lightning sets its own format


def write_config(cfg: DictConfig) -> None:
    """Write config.yaml to the run's folder."""
    folder = Path(cfg.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    with whole(folder / "config.yaml") as temporary:  # each process of a run calls this
        temporary.write_text(OmegaConf.to_yaml(cfg))
