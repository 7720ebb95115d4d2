"""Stops a run whose loss becomes NaN or infinite."""

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from sr.errors import NotFiniteError

_ADVICE = (
    "the {what} became NaN or infinite at step {step}; the last good checkpoint is kept. "
    "Try a smaller optimizer.lr, trainer.gradient_clip_val=1 or trainer.precision=32-true"
)


class Finite(pl.Callback):
    """Raises NotFiniteError, which names the first bad step, when the loss is NaN or infinite.

    On the CPU every step is checked. On a GPU that would force a synchronisation, so the first bad step is kept on the
    device and read every `every_n_steps`, and always before a checkpoint is written: the last one on disk stays good.
    """

    def __init__(self, *, every_n_steps: int = 50) -> None:
        self.every_n_steps = every_n_steps
        self._first_bad: Tensor | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._first_bad = torch.full((), -1, device=pl_module.device)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any) -> None:
        loss = outputs["loss"] if "loss" in outputs else outputs["parts"]["discriminator"]  # of a step where a network rests
        bad = (self._first_bad < 0) & ~loss.detach().isfinite()
        self._first_bad = torch.where(bad, trainer.global_step, self._first_bad)
        if pl_module.device.type == "cpu" or trainer.global_step % self.every_n_steps == 0:
            self._check()

    def on_save_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        if self._first_bad is not None:
            self._check()
            # The last step may be too large.
            finite = [parameter.isfinite().all() for parameter in pl_module.network.parameters()]
            if finite and not torch.stack(finite).all():  # read once
                raise NotFiniteError(_ADVICE.format(what="weights", step=trainer.global_step))

    def _check(self) -> None:
        if (step := int(self._first_bad)) >= 0:
            raise NotFiniteError(_ADVICE.format(what="loss", step=step))
