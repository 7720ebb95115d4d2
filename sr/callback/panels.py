"""Saves fixed crops LR | bicubic | SR | HR at every validation and at the test, as files and in the loggers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from PIL import Image

from sr.callback.privacy import with_pictures
from sr.data.share import position
from sr.device.gather import gathered
from sr.files import whole
from sr.image.kind import of_data
from sr.view.panel import panel, seen
from sr.view.panel_volume import panel_volume


class Panels(pl.Callback):
    """Writes `images/step_001000/set5_baby.png` at validations and `images/test/set5_baby.png` at the test.

    Args:
        folder: where the pictures go.
        n_images: number of images per benchmark, counted from the first.
        crop: side of the crop in HR pixels.
        bands: the bands shown as red, green and blue, or as gray (`sr.view.panel.shown`); None: RGB, gray, or the first
            three.
    """

    key, suffix = "panels", ""  # of the pictures in W&B; after the name of a file

    def __init__(self, *, folder: str, n_images: int = 3, crop: int = 96, bands: Sequence[int] | None = None) -> None:
        self.folder, self.n_images, self.crop, self.bands = Path(folder), n_images, crop, bands
        self._of_volumes = False
        self._panels: dict[tuple[int, int], tuple[str, Image.Image]] = {}  # (set, position in it) -> name, picture

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if (place := position(trainer, batch_idx)) < self.n_images:
            self._of_volumes = "factors" in outputs
            picture = self.picture(trainer, outputs)
            if picture is not None:
                self._panels[dataloader_idx, place] = f"{outputs['set']}_{outputs['name']}{self.suffix}", picture

    on_test_batch_end = on_validation_batch_end

    def picture(self, trainer: pl.Trainer, outputs: dict[str, Any]) -> Image.Image | None:
        """The picture of an image; None: it has none."""
        images = (outputs[name] for name in ("lr", "sr", "hr"))
        if "factors" in outputs:
            return panel_volume(*images, outputs["factors"], self.crop)
        kind = of_data(trainer.datamodule)
        return panel(*images, self.crop, bands=self.bands, levels=kind.levels, contrast=kind.contrast, note=seen(kind))

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._write(trainer, f"step_{trainer.global_step:06d}", "val")

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._write(trainer, "test", "test")

    def _write(self, trainer: pl.Trainer, folder: str, stage: str) -> None:
        """Gather the pictures of all processes; the first process writes them."""
        found = {place: made for part in gathered(trainer, self._panels) for place, made in part.items()}
        self._panels = {}
        panels = dict(found[place] for place in sorted(found))
        if not panels or not trainer.is_global_zero:
            return
        for name, picture in panels.items():
            with whole(self.folder / folder / f"{name}.png") as temporary:
                picture.save(temporary, format="png")
        for logger in with_pictures(trainer) if not self._of_volumes else ():
            if isinstance(logger, pl.loggers.WandbLogger):
                logger.log_image(f"{stage}/{self.key}", list(panels.values()), trainer.global_step, caption=list(panels))
            elif isinstance(logger, pl.loggers.TensorBoardLogger):
                for name, picture in panels.items():
                    logger.experiment.add_image(f"{stage}/{name}", np.asarray(picture), trainer.global_step, dataformats="HWC")
