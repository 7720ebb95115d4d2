"""A real trainer outside a run, at any step, whose checkpoints are noted."""

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.io import CheckpointIO
from pytorch_lightning.trainer.states import TrainerFn
from torch import nn


class Notes(CheckpointIO):
    """Notes (file name, step) of what would be written, and keeps the contents; `calls` has the waits too."""

    def __init__(self) -> None:
        self.saved: list[tuple[str, int]] = []
        self.calls: list[str] = []

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        self.saved.append((Path(path).name, checkpoint["global_step"]))
        self.calls.append(Path(path).name)

    def copy(self, file: Path, copy: Path) -> None:
        self.saved.append((Path(copy).name, dict(self.saved)[Path(file).name]))

    def wait(self) -> None:
        self.calls.append("wait")

    def load_checkpoint(self, path: Any, *_: Any, **__: Any) -> dict[str, Any]:
        raise FileNotFoundError(path)

    def remove_checkpoint(self, path: Any) -> None:
        raise FileNotFoundError(path)


class Module(pl.LightningModule):
    """One layer."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Linear(2, 2)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def trainer(module: pl.LightningModule | None = None, **options: Any) -> tuple[pl.Trainer, Notes]:
    """On the CPU, with a module (`Module()` if none is given), before its first step; and the notes of its checkpoints."""
    notes, module = Notes(), module or Module()
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False, "logger": False}
    made = pl.Trainer(accelerator="cpu", devices=1, plugins=[notes], **{**quiet, **options})
    made.strategy.connect(module)
    made.state.fn = TrainerFn.FITTING
    module.trainer = made
    return made, notes


def at(made: pl.Trainer, step: int) -> pl.Trainer:
    """The same trainer after so many steps of its optimizer."""
    made.fit_loop.epoch_loop.automatic_optimization.optim_progress.optimizer.step.total.completed = step
    assert made.global_step == step
    return made
