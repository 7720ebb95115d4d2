"""Measures training time over all resumes, and peak memory."""

import resource
import sys
import time
from typing import Any

import pytorch_lightning as pl
import torch


class Clock(pl.Callback):
    """`seconds` of training without validation, and `peak_memory` in bytes: of the GPU, or of the process on a CPU."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.peak_memory = 0
        self._since: float | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.strategy.root_device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(trainer.strategy.root_device)
        self._since = time.monotonic()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._stop(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn == "fit":
            self._since = time.monotonic()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._stop(trainer)

    def state_dict(self) -> dict[str, Any]:
        running = 0.0 if self._since is None else time.monotonic() - self._since
        return {"seconds": self.seconds + running, "peak_memory": self.peak_memory}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.seconds, self.peak_memory = state_dict["seconds"], state_dict["peak_memory"]

    def _stop(self, trainer: pl.Trainer) -> None:
        if self._since is None:
            return
        self.seconds += time.monotonic() - self._since
        self._since = None
        self.peak_memory = max(self.peak_memory, _peak(trainer.strategy.root_device))


def _peak(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
