"""Warns when adversarial training goes wrong."""

import math
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from sr.say import warn


class Watch(pl.Callback):
    """Warns when adversarial training starts from random weights, when the discriminator has won, and when colours drift.

    Args:
        discriminator_loss: below this loss the discriminator is almost always right, so the network learns nothing from it
            (criteria without such a bound, such as Wasserstein's, are not watched).
        patience: number of consecutive iterations below it.
        colour_drift: warn if the channel means of SR and LR differ by this much more than at the best validation, averaged
            over the images, in units of [0, 1]: a visible colour cast. (At the start of training, or while averaged weights
            still contain the initial ones, there is a cast too, but it shrinks.)
        every_n_steps: how often the value is read from the device, which synchronises it.
        init_from: the weights that the run starts from, if any.
    """

    def __init__(
        self,
        *,
        discriminator_loss: float = 0.02,
        patience: int = 500,
        colour_drift: float = 0.02,
        every_n_steps: int = 50,
        init_from: Any = None,
    ) -> None:
        self.discriminator_loss, self.patience = discriminator_loss, patience
        self.colour_drift, self.every_n_steps = colour_drift, every_n_steps
        self.init_from = init_from
        self._won: Tensor | None = None  # consecutive iterations, on the device
        self._told = False
        self._drifts: list[Tensor] = []
        self._least = math.inf  # colour cast of a validation

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        pretrains = getattr(pl_module, "pretrain_steps", 0) or getattr(pl_module, "adversarial_from", 0)
        if hasattr(pl_module, "discriminator") and not self.init_from and not pretrains and trainer.global_step == 0:
            _warn(
                trainer,
                "adversarial training starts from random weights, which rarely works for super-resolution: "
                "pass init_from=FILE with weights trained for PSNR (model=rrdb for ESRGAN), or model.pretrain_steps=10000",
            )

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any) -> None:
        loss = outputs["parts"].get("discriminator")
        if loss is None or not pl_module.adversarial.bounded:
            return
        won = torch.zeros((), dtype=torch.long, device=loss.device) if self._won is None else self._won
        self._won = torch.where(loss < self.discriminator_loss, won + 1, 0)
        if trainer.global_step % self.every_n_steps == 0:
            wins = int(self._won) >= self.patience * trainer.datamodule.accumulate
            if wins and not self._told:
                _warn(
                    trainer,
                    f"step {trainer.global_step}: the discriminator has won: its loss was below {self.discriminator_loss} for "
                    f"{self.patience} iterations, so the network learns nothing from it; try a smaller "
                    "discriminator_optimizer.lr, adversarial.r1=1 or an earlier checkpoint",
                )
            self._told = wins

    def on_validation_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any) -> None:
        self._drifts.append((outputs["sr"].mean(dim=(0, 2, 3)) - outputs["lr"].mean(dim=(0, 2, 3))).float())

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        drift, self._drifts = _mean(trainer, self._drifts), []
        cast = float(drift.abs().max())
        self._least = min(self._least, cast)
        if trainer.state.fn == "fit" and cast > self._least + self.colour_drift:
            names = ("red", "green", "blue") if len(drift) == 3 else ("gray",) if len(drift) == 1 else range(1, len(drift) + 1)
            bands = ", ".join(f"{255 * value:+.1f} ({name})" for name, value in zip(names, drift.tolist(), strict=True))
            _warn(
                trainer,
                f"step {trainer.global_step}: colours drift: SR differs from LR by {bands} "
                "grey levels on average; try a larger loss.l1.weight or a smaller adversarial.weight",
            )


def _mean(trainer: pl.Trainer, drifts: list[Tensor]) -> Tensor:
    """(C,): the mean over the images of all processes, each of which has at least one."""
    if not drifts:
        return torch.zeros(3)
    total = torch.cat([torch.stack(drifts).sum(0), drifts[0].new_tensor([len(drifts)])])
    if trainer.world_size > 1:
        total = trainer.strategy.reduce(total, reduce_op="sum")
    return total[:-1] / total[-1]


def _warn(trainer: pl.Trainer, text: str) -> None:
    if trainer.is_global_zero:
        warn(text)
