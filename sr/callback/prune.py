"""Stops a trial of a search whose validation score falls behind the other trials."""

import sys
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from sr.errors import InputError
from sr.plugin.checkpoint_io import finish
from sr.sweep.job import PRUNED


class Prune(pl.callbacks.Checkpoint):  # called last: the checkpoint is written before
    """Reports each validation score to Optuna, and exits with code 3 if the search's pruner says so.

    Args:
        storage: the search's file. A run without one, such as a trial that is reproduced alone, is not stopped.
        trial: number of this trial.
        monitor: the validation metric.

    Raises:
        InputError: the trial is not running, or the metric is not measured.
    """

    def __init__(self, *, storage: str, trial: int | None, monitor: str = "val/psnr") -> None:
        self.storage, self.number, self.monitor = storage, trial, monitor
        self._trial: Any = None

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero and self.number is not None and Path(self.storage).is_file():
            from sr.sweep import search

            search.quiet()
            self._trial = search.trial(self.storage, self.number)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        if self.monitor not in trainer.callback_metrics:
            raise InputError(f"callback.prune.monitor={self.monitor} is not measured")
        behind = False
        if self._trial is not None:
            self._trial.report(float(trainer.callback_metrics[self.monitor]), step=trainer.global_step)
            behind = trainer.global_step < trainer.max_steps and self._trial.should_prune()
        if trainer.strategy.broadcast(behind):
            finish(trainer)
            if trainer.is_global_zero:
                print(f"\npruned at step {trainer.global_step}: worse than the other trials of the search", file=sys.stderr)
            sys.exit(PRUNED)
