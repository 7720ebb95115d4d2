"""Saves fixed crops LR | bicubic | SR | HR at every validation and at the test, as files and in the loggers.

Of clips they are strips that play (animated WebP; a video on W&B), each with a slice through time.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
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
from sr.view.panel_clip import panel_clip
from sr.view.panel_volume import panel_volume

Picture = Image.Image | list[Image.Image]  # a list plays
_MS = 100  # per frame of a strip


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
        self._panels: dict[tuple[int, int], dict[str, Picture]] = {}  # (set, position in it) -> name -> picture

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
            name = f"{outputs['set']}_{outputs['name']}{self.suffix}"
            made = self.pictures(trainer, outputs)
            if made:
                self._panels[dataloader_idx, place] = {f"{name}{ending}": picture for ending, picture in made.items()}

    on_test_batch_end = on_validation_batch_end

    def pictures(self, trainer: pl.Trainer, outputs: dict[str, Any]) -> dict[str, Picture]:
        """The pictures of an image, by the endings of their names."""
        images = [outputs[name] for name in ("lr", "sr", "hr")]
        if "factors" in outputs:
            return {"": panel_volume(*images, outputs["factors"], self.crop)}
        kind = of_data(trainer.datamodule)
        options = {"bands": self.bands, "levels": kind.levels, "contrast": kind.contrast}
        if images[0].ndim == 5:
            return dict(zip(("", "_xt"), panel_clip(*images, self.crop, **options), strict=True))
        return {"": panel(*images, self.crop, **options, note=seen(kind))}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._write(trainer, f"step_{trainer.global_step:06d}", "val")

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._write(trainer, "test", "test")

    def _write(self, trainer: pl.Trainer, folder: str, stage: str) -> None:
        """Gather the pictures of all processes; the first process writes them."""
        found = {place: made for part in gathered(trainer, self._panels) for place, made in part.items()}
        self._panels = {}
        panels = {name: picture for place in sorted(found) for name, picture in found[place].items()}
        if not panels or not trainer.is_global_zero:
            return
        for name, picture in panels.items():
            first, *rest = picture if isinstance(picture, list) else [picture]
            plays = {"format": "webp", "save_all": True, "append_images": rest, "duration": _MS, "quality": 90}
            with whole(self.folder / folder / f"{name}.{'webp' if rest else 'png'}") as temporary:
                first.save(temporary, **(plays if rest else {"format": "png"}))
        stills = {name: picture for name, picture in panels.items() if not isinstance(picture, list)}
        for logger in with_pictures(trainer) if not self._of_volumes else ():
            if isinstance(logger, pl.loggers.WandbLogger):
                if stills:
                    logger.log_image(f"{stage}/{self.key}", list(stills.values()), trainer.global_step, caption=list(stills))
                if strips := {name: panels[name] for name in panels.keys() - stills}:
                    _log_strips(logger, f"{stage}/{self.key}_clips", strips, trainer.global_step)
            elif isinstance(logger, pl.loggers.TensorBoardLogger):
                for name, picture in stills.items():
                    logger.experiment.add_image(f"{stage}/{name}", np.asarray(picture), trainer.global_step, dataformats="HWC")


def _log_strips(logger: Any, key: str, strips: dict[str, list[Image.Image]], step: int) -> None:
    """Strips as videos (GIF, which W&B takes as a file)."""
    with TemporaryDirectory() as folder:
        files = [Path(folder, f"{number}.gif") for number in range(len(strips))]
        for file, (first, *rest) in zip(files, strips.values(), strict=True):
            first.save(file, save_all=True, append_images=rest, duration=_MS, loop=0)
        logger.log_video(key, list(map(str, files)), step, caption=list(strips), format=["gif"] * len(files))
