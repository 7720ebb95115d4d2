"""A progress bar over optimizer steps."""

from typing import Any

import pytorch_lightning as pl
from tqdm import tqdm

from sr.callback.log import batch_loss


class Progress(pl.Callback):
    """One line: steps, remaining time, loss, last validation; and one bar per evaluation."""

    def __init__(self) -> None:
        self._steps: tqdm | None = None
        self._images: tqdm | None = None  # counts the images of all processes, which run at about the same speed
        self._values: dict[str, str] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            total = trainer.max_steps if trainer.max_steps > 0 else None
            self._steps = tqdm(total=total, initial=trainer.global_step, desc="training", unit="step", mininterval=0.5)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any) -> None:
        if self._steps is not None and (done := trainer.global_step - self._steps.n):
            if trainer.global_step % trainer.log_every_n_steps == 0 and (loss := batch_loss(trainer, outputs)) is not None:
                self._values["loss"] = f"{float(loss):.4f}"
                self._steps.set_postfix(self._values, refresh=False)
            self._steps.update(done)

    def on_train_end(self, *_: Any) -> None:
        self._close("_steps")

    def on_exception(self, *_: Any) -> None:
        self._close("_steps")
        self._close("_images")

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._start(trainer, "validation", "val")

    def on_validation_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if self._images is not None:
            self._images.update(min(trainer.world_size, self._images.total - self._images.n))

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._close("_images")
        if self._steps is not None and "val/psnr" in trainer.callback_metrics:
            self._values["val/psnr"] = f"{float(trainer.callback_metrics['val/psnr']):.2f}"
            self._steps.set_postfix(self._values)

    def on_test_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._start(trainer, "test", "test")

    on_test_batch_end = on_validation_batch_end

    def on_test_end(self, *_: Any) -> None:
        self._close("_images")

    def _start(self, trainer: pl.Trainer, what: str, stage: str) -> None:
        if trainer.is_global_zero:
            total, sets = sum(trainer.datamodule.counts(stage).values()), trainer.datamodule.sets(stage).values()
            unit = "clip" if sets and all(getattr(images, "clips", False) for images in sets) else "image"
            self._images = tqdm(total=total, desc=what, unit=unit, leave=False, mininterval=0.5)

    def _close(self, name: str) -> None:
        if (bar := getattr(self, name)) is not None:
            bar.close()
            setattr(self, name, None)
