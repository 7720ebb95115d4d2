"""Handles Ctrl-C, SIGTERM and a scheduler's signals: finish the step, save a checkpoint, print how to resume."""

import signal
import sys
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from sr.plugin.checkpoint_io import finish


class Interrupt(pl.callbacks.Checkpoint):  # Lightning calls these last, after the other callbacks
    """Stops between two steps, where the state is consistent, and saves last.ckpt.

    The exit code is 128 + the signal's number: 130 after Ctrl-C, 143 after SIGTERM, which SLURM sends to preempted jobs, 138
    after SIGUSR1, its usual signal before the time limit (`#SBATCH --signal=USR1@120`). A batch script can requeue on these.
    A second signal of the same kind stops without saving again; a save in progress is finished first (after Ctrl-C and
    SIGTERM). In all cases the checkpoint on disk stays complete.
    """

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)

    def __init__(self, *, folder: str) -> None:
        self.last = Path(folder) / "last.ckpt"
        self._received = 0
        self._step = 0
        self._before: dict[int, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._received, self._step = 0, trainer.global_step
        self._before = {number: signal.signal(number, self._receive) for number in self.signals}

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if self._stops(trainer):
            self._leave(trainer)

    def on_train_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if self._received:  # during the last validation
            self._leave(trainer)

    def _stops(self, trainer: pl.Trainer) -> bool:
        """Processes receive a signal at different steps; they agree on one. This synchronises the device, so not at every
        step."""
        if trainer.global_step == self._step:
            return False  # in the middle of an accumulated step
        self._step = trainer.global_step
        if trainer.world_size > 1:
            if trainer.global_step % trainer.log_every_n_steps:
                return False
            received = torch.tensor(self._received, device=trainer.strategy.root_device)
            self._received = int(trainer.strategy.reduce(received, reduce_op="max"))
        return self._received > 0

    def _leave(self, trainer: pl.Trainer) -> None:
        trainer.save_checkpoint(self.last)
        finish(trainer)  # exiting would kill the thread that writes
        if trainer.is_global_zero:
            command = "sr-train" if Path(sys.argv[0]).name == "sr-train" else "python train.py"
            print(f"\nstopped at step {trainer.global_step}; resume with: {command} resume={self.last}", file=sys.stderr)
        sys.exit(128 + self._received)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _receive(self, number: int, frame: Any) -> None:
        for caught, handler in self._before.items():
            signal.signal(caught, handler)  # a second signal has its original effect
        self._received = number
        print("\nstopping after this step, or this validation (press again to stop at once)", file=sys.stderr)
