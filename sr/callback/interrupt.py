"""Ctrl-C and SIGTERM: end the step, keep a checkpoint, say how to go on."""

import signal
import sys
from pathlib import Path
from typing import Any

import pytorch_lightning as pl


class Interrupt(pl.Callback):
    """Stops between two steps, where the state is whole, and saves last.ckpt there.

    The process leaves with 128 + the signal's number: 130 after Ctrl-C, 143 after SIGTERM. A second signal of the same
    kind stops at once; the last checkpoint on disk stays whole.
    """

    def __init__(self, *, folder: str) -> None:
        self.last = Path(folder) / "last.ckpt"
        self._received = 0
        self._before: dict[int, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._received = 0
        self._before = {number: signal.signal(number, self._receive) for number in (signal.SIGINT, signal.SIGTERM)}

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if self._received:
            trainer.save_checkpoint(self.last)
            if trainer.is_global_zero:
                print(f"\nstopped at step {trainer.global_step}; go on with: python train.py resume={self.last}", file=sys.stderr)
            sys.exit(128 + self._received)

    def on_validation_batch_end(self, *_: Any) -> None:
        if self._received:
            raise KeyboardInterrupt

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _receive(self, number: int, frame: Any) -> None:
        for caught, handler in self._before.items():
            signal.signal(caught, handler)  # a second signal does what it always did
        self._received = number
        print("\nstopping after this step (again: at once)", file=sys.stderr)
