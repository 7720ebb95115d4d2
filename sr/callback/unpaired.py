"""Warns when unpaired training goes wrong: a generator collapses, a cycle does not close, colours swap."""

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from sr.say import warn

_NAMES = {"network": "SR", "degrader": "degraded HR"}


class Unpaired(pl.Callback):
    """Watches the means over `every_n_steps` iterations of what the module says of its generators.

    Each warning is given once, and again only if its condition stopped in between. The values, which the log has too, are
    defined in `sr.model.degradation_gan.watched`; a module without them is not watched.

    Args:
        spread: warn if a generator's images differ from each other by less than this share of what its inputs do: it makes
            the same image of everything.
        cast: warn if the mean colour of a generator's images is this far from that of its inputs, in units of [0, 1].
        cycle: warn if the cycle of LR is this large a share of the error of an image of one colour: LR is not found again.
        every_n_steps: how many iterations are averaged. Values are read from the device then, which synchronises it.
        patience: the iterations at the start that are not judged.
    """

    def __init__(
        self,
        *,
        spread: float = 0.5,
        cast: float = 0.05,
        cycle: float = 1.0,
        every_n_steps: int = 50,
        patience: int = 200,
    ) -> None:
        self.spread, self.cast, self.cycle = spread, cast, cycle
        self.every_n_steps, self.patience = every_n_steps, patience
        self._sums: dict[str, Tensor] = {}
        self._count = 0
        self._step = 0
        self._warned: set[str] = set()  # warnings that were given and still hold

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._step = trainer.global_step

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any) -> None:
        parts = outputs["parts"]
        found = {name: parts[name].float() for name in parts if name.endswith(("_spread", "_cast", "_share"))}
        for name, value in found.items():
            self._sums[name] = value + self._sums[name].to(value.device) if name in self._sums else value
        self._count += bool(found)
        if trainer.global_step == self._step:  # the batch was not the iteration's last
            return
        self._step = trainer.global_step
        if self._sums and self._step % self.every_n_steps == 0:
            self._judge(trainer)

    def _judge(self, trainer: pl.Trainer) -> None:
        means = torch.stack([self._sums[name] for name in self._sums]) / self._count
        if trainer.world_size > 1:
            means = trainer.strategy.reduce(means, reduce_op="mean")
        values = dict(zip(self._sums, means.tolist(), strict=True))
        self._sums, self._count = {}, 0
        if self._step <= self.patience:
            return
        for who, images in _NAMES.items():
            if f"{who}_spread" not in values:
                continue
            spread, cast = values[f"{who}_spread"], values[f"{who}_cast"]
            self._tell(
                trainer,
                f"{who} collapses",
                spread < self.spread,
                f"the {who} collapses: its images differ from each other by {100 * spread:.0f} % of what its inputs do; try a "
                "smaller adversarial.weight, or a larger model.content or model.identity",
            )
            self._tell(
                trainer,
                f"{who} casts",
                cast > self.cast,
                f"colours of {images} are off by {255 * cast:.1f} grey levels on average; try a larger model.content or "
                "model.identity, or sets that show the same kind of scenes",
            )
        share = values.get("cycle_share", 0.0)
        self._tell(
            trainer,
            "cycle",
            share >= self.cycle,
            f"the cycle of LR collapses: LR, enlarged and degraded, is {share:.1f} times as far from LR as its mean colour is; "
            "try smaller learning rates or a larger model.cycle",
        )

    def _tell(self, trainer: pl.Trainer, what: str, holds: bool, text: str) -> None:
        """Warn if the condition holds and did not hold before."""
        if holds and what not in self._warned and trainer.is_global_zero:
            warn(f"step {trainer.global_step}: {text}")
        (self._warned.add if holds else self._warned.discard)(what)

    def state_dict(self) -> dict[str, Any]:
        """State for a resumed run, so that it warns like an uninterrupted one."""
        sums = {name: float(value) for name, value in self._sums.items()}
        return {"sums": sums, "count": self._count, "told": sorted(self._warned)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._sums = {name: torch.tensor(value) for name, value in state_dict["sums"].items()}
        self._count, self._warned = state_dict["count"], set(state_dict["told"])
