"""A contact sheet of the first training samples: images/degradation.png, and a picture in the loggers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from PIL import Image

from sr.callback.privacy import with_pictures
from sr.data.preview import first_samples
from sr.files import whole
from sr.functional.axes import is_volume
from sr.view.sheet import sheet

_COUNT = 16


def picture(data: Any, device: torch.device, bands: Sequence[int] | None = None, count: int = _COUNT) -> Image.Image:
    """HR, LR and what was done, of the first `count` samples of a prepared `sr.data.module.SRData`."""
    samples = first_samples(data, count, device)
    stages = ",".join(data.degradation.stages) if data.lr is None else "none: LR is read from files"
    title = f"degradation: {stages}; x{data.scale}; samples 0 to {count - 1} of seed {data.seed}; HR | LR (nearest)"
    return sheet(samples.hr, samples.lr, samples.words, title, bands, data.kind.contrast)


class Preview(pl.Callback):
    """When a training begins, write `images/degradation.png` of its first samples and log it.

    Args:
        folder: where it goes.
        n_samples: how many samples it shows; 0: none is written.
        bands: which bands are red, green and blue, or gray (`sr.view.panel.shown`); None: RGB, gray, or the first three.
    """

    def __init__(self, *, folder: str, n_samples: int = _COUNT, bands: Sequence[int] | None = None) -> None:
        self.folder, self.n_samples, self.bands = Path(folder), n_samples, bands

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not trainer.is_global_zero or not self.n_samples:
            return
        made = picture(trainer.datamodule, pl_module.device, self.bands, self.n_samples)
        with whole(self.folder / "degradation.png") as temporary:
            made.save(temporary, format="png", compress_level=1)
        for logger in with_pictures(trainer) if not is_volume(pl_module.network) else ():
            if isinstance(logger, pl.loggers.WandbLogger):
                logger.log_image("train/degradation", [made], trainer.global_step)
            elif isinstance(logger, pl.loggers.TensorBoardLogger):
                logger.experiment.add_image("train/degradation", np.asarray(made), trainer.global_step, dataformats="HWC")
