"""Stops a run at a given step, as a signal would: for `reproduce=` of a run that was resumed there with other overrides."""

import sys
from typing import Any

import pytorch_lightning as pl

from sr.callback.checkpoint import Checkpoint
from sr.plugin.checkpoint_io import finish


class Until(pl.callbacks.Checkpoint):  # Lightning calls these last, and this one last of all
    """Exits with code 0 after the given step and its validation, if one is due; last.ckpt is from that step.

    Args:
        step: optimizer steps.
        checkpoint: the run's callback that writes last.ckpt.
    """

    def __init__(self, *, step: int, checkpoint: Checkpoint) -> None:
        self.step, self.checkpoint = step, checkpoint

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        due = trainer.val_check_batch // trainer.datamodule.accumulate
        if trainer.global_step == self.step and self.step % due and not trainer.should_stop:
            trainer.save_checkpoint(self.checkpoint.last)
            self._leave(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn == "fit" and trainer.global_step == self.step:
            self._leave(trainer)

    def _leave(self, trainer: pl.Trainer) -> None:
        finish(trainer)
        sys.exit(0)
