"""A progress bar over optimizer steps; lines where nobody watches a terminal."""

import sys
import time
from typing import Any

import pytorch_lightning as pl
from tqdm import tqdm

from sr.callback.log import batch_loss

_PATIENCE = 60  # seconds between two lines of one evaluation, without a terminal


class Progress(pl.Callback):
    """Steps, remaining time, loss, last validation: as a bar, with one more per evaluation.

    Without a terminal (in a file, a pipe, a cluster's log) it is a line on stdout every `trainer.log_every_n_steps` steps.
    """

    def __init__(self) -> None:
        self._steps: tqdm | None = None
        self._images: tqdm | None = None  # counts the images of all processes, which run at about the same speed
        self._values: dict[str, str] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            total = trainer.max_steps if trainer.max_steps > 0 else None
            made = tqdm if sys.stderr.isatty() else Lines
            self._steps = made(total=total, initial=trainer.global_step, desc="training", unit="step", mininterval=0.5)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any) -> None:
        if self._steps is not None and (done := trainer.global_step - self._steps.n):
            due = trainer.global_step % trainer.log_every_n_steps == 0
            if due and (loss := batch_loss(trainer, outputs)) is not None:
                self._values["loss"] = f"{float(loss):.4f}"
                self._steps.set_postfix(self._values, refresh=False)
            self._steps.update(done)
            if isinstance(self._steps, Lines) and (due or self._steps.n == self._steps.total):
                self._steps.say()

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
            if isinstance(self._images, Lines):
                self._images.say(_PATIENCE)

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
            made = tqdm if sys.stderr.isatty() else Lines
            self._images = made(total=total, desc=what, unit=unit, leave=False, mininterval=0.5)

    def _close(self, name: str) -> None:
        if (bar := getattr(self, name)) is not None:
            bar.close()
            setattr(self, name, None)


class Lines:
    """The same counts as lines: "training: 50 of 5000 steps, loss=0.0421, 12.3 steps/s, 06:42 left". Takes tqdm's arguments."""

    def __init__(self, *, total: int | None, desc: str, unit: str, initial: int = 0, **_: Any) -> None:
        self.total, self.n, self._first, self._what, self._unit = total, initial, initial, desc, unit
        self._began = self._said = time.monotonic()
        self._values = ""

    def set_postfix(self, values: dict[str, str], refresh: bool = True) -> None:
        self._values = "".join(f", {name}={value}" for name, value in values.items())

    def update(self, count: int) -> None:
        self.n += count

    def say(self, patience: float = 0) -> None:
        """Print a line, unless the last one is less than `patience` seconds old."""
        now = time.monotonic()
        if now - self._said < patience or self.n == self._first:
            return
        self._said, rate = now, (self.n - self._first) / max(now - self._began, 1e-9)
        count = f"{self.n} {self._unit}s" if self.total is None else f"{self.n} of {self.total} {self._unit}s"
        left = "" if self.total is None else f", {tqdm.format_interval((self.total - self.n) / rate)} left"
        print(f"{self._what}: {count}{self._values}, {rate:.3g} {self._unit}s/s{left}", flush=True)

    def close(self) -> None:
        """Nothing is left on the screen that would have to go."""
