"""The config of a recipe as benchmarks train it: on photographs, with few callbacks, writing to one folder."""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from data import photographs
from sr.cli import CONF


def composed(folder: str | Path, *words: str) -> DictConfig:
    """conf/train.yaml with these words. Photographs: BSDS500's of SR_DATA, else scikit-image's."""
    photos = photographs()[0].parent
    source = ["data=folder", f"data.train={photos}"] if photos.parent.name == "BSDS500" else ["data=sample"]
    quiet = ["callback=[clock,finite,log]", "metric=[psnr]", "trainer.limit_val_batches=0", "trainer.log_every_n_steps=10"]
    fixed = [f"data.cache_dir={folder}/cache", f"output_dir={folder}", "logger=csv"]
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        return hydra.compose("train", [*words, *source, *fixed, *quiet])
