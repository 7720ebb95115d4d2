"""Warns when adversarial training goes wrong."""

import math
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from sr.functional.grid import grid
from sr.say import warn


class Watch(pl.Callback):
    """Warns when adversarial training starts from random weights, when the discriminator has won, of colour drift and grids.

    Each warning is given once, and again only if its condition stopped in between. `sr.callback.balance` watches the
    magnitudes of the losses.

    Args:
        discriminator_loss: below this loss the discriminator is almost always right, so the network learns nothing from it
            (criteria without such a bound, such as Wasserstein's, are not watched).
        discriminator_accuracy: from these shares of right logits on, of HR and of SR (`train/accuracy_real` and
            `train/accuracy_fake`), it has won too, whatever its loss.
        patience: number of consecutive iterations of either.
        colour_drift: warn if the channel means of SR and LR differ by this much more than at the best validation, averaged
            over the images, in units of [0, 1]: a visible colour cast. (At the start of training, or while averaged weights
            still contain the initial ones, there is a cast too, but it shrinks.)
        grid: warn if the pattern of SR at the period of the scale (`sr.functional.grid`) is this much stronger than HR's,
            averaged over the images, in units of [0, 1], and does not shrink from one validation to the next.
        every_n_steps: how often the value is read from the device, which synchronises it.
        init_from: the weights that the run starts from, if any.
    """

    def __init__(
        self,
        *,
        discriminator_loss: float = 0.02,
        discriminator_accuracy: float = 0.99,
        patience: int = 500,
        colour_drift: float = 0.02,
        grid: float = 0.004,
        every_n_steps: int = 50,
        init_from: Any = None,
    ) -> None:
        self.discriminator_loss, self.discriminator_accuracy = discriminator_loss, discriminator_accuracy
        self.patience = patience
        self.colour_drift, self.grid, self.every_n_steps = colour_drift, grid, every_n_steps
        self.init_from = init_from
        self._won: Tensor | None = None  # consecutive iterations, on the device
        self._warned: set[str] = set()  # warnings that were given and still hold
        self._seen: list[Tensor] = []  # per image: colour cast of each channel, grid of SR, grid of HR
        self._period = 1
        self._least = math.inf  # colour cast of a validation
        self._before = math.inf  # grid of the previous validation

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        pretrains = getattr(pl_module, "pretrain_steps", 0) or getattr(pl_module, "adversarial_from", 0)
        if hasattr(pl_module, "discriminator") and not self.init_from and not pretrains and trainer.global_step == 0:
            _warn(
                trainer,
                "adversarial training starts from random weights, which rarely works for super-resolution: "
                "pass init_from=FILE with weights trained for PSNR (model=rrdb for ESRGAN), or model.pretrain_steps=10000",
            )

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any) -> None:
        parts = outputs["parts"]
        loss = parts.get("discriminator")
        if loss is None or not pl_module.adversarial.bounded:
            return
        won = torch.zeros((), dtype=torch.long) if self._won is None else self._won
        won = won.to(loss.device)
        right = torch.minimum(parts["accuracy_real"], parts["accuracy_fake"])
        over = (loss < self.discriminator_loss) | (right >= self.discriminator_accuracy)
        self._won = torch.where(over, won + 1, 0)
        if trainer.global_step % self.every_n_steps == 0:
            wins = int(self._won) >= self.patience * trainer.datamodule.accumulate
            self._tell(trainer, "wins", wins, self._victory(parts) if wins else "")

    def _victory(self, parts: dict[str, Tensor]) -> str:
        names = ("discriminator", "accuracy_real", "accuracy_fake", "d_real", "d_fake")
        loss, right_real, right_fake, real, fake = (float(parts[name]) for name in names)
        low = f"its loss was below {self.discriminator_loss}"
        right = f"it was right about {100 * self.discriminator_accuracy:g} % of HR and of SR"
        return (
            f"the discriminator has won: {low if loss < self.discriminator_loss else right} for {self.patience} iterations "
            f"(loss {loss:.2g}; right about {100 * right_real:.0f} % of HR and {100 * right_fake:.0f} % of SR; logits "
            f"{real:.1f} and {fake:.1f}), so the network learns little from it; try a smaller discriminator_optimizer.lr, "
            "adversarial.r1=1 or an earlier checkpoint"
        )

    def on_validation_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any) -> None:
        lr, sr, hr = (outputs[name] for name in ("lr", "sr", "hr"))
        self._period = sr.shape[-1] // lr.shape[-1]
        cast = (sr.mean(dim=(0, 2, 3)) - lr.mean(dim=(0, 2, 3))).float()
        grids = [0.0 if image is None else grid(image, self._period) for image in (sr, hr)]
        self._seen.append(torch.cat([cast, cast.new_tensor(grids)]))

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        seen, self._seen = _mean(trainer, self._seen), []
        if seen is None or trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        *drift, ours, theirs = seen.tolist()
        cast = max(map(abs, drift))
        self._least = min(self._least, cast)
        names = ("red", "green", "blue") if len(drift) == 3 else ("gray",) if len(drift) == 1 else range(1, len(drift) + 1)
        bands = ", ".join(f"{255 * value:+.1f} ({name})" for name, value in zip(names, drift, strict=True))
        self._tell(
            trainer,
            "cast",
            cast > self._least + self.colour_drift,
            f"colours drift: SR differs from LR by {bands} grey levels on average; try a larger "
            "loss.l1.weight or a smaller adversarial.weight",
        )
        over, fades = ours > theirs + self.grid, ours < 0.8 * self._before
        self._before = ours
        if not (over and fades):  # at the start of training there is a grid too, but it shrinks
            self._tell(
                trainer,
                "grid",
                over,
                f"SR has a grid of period {self._period} with an amplitude of {255 * ours:.1f} grey levels (HR: "
                f"{255 * theirs:.1f}); try a larger loss.l1.weight, a smaller adversarial.weight, or a network without "
                "transposed convolutions",
            )

    def _tell(self, trainer: pl.Trainer, what: str, holds: bool, text: str) -> None:
        """Warn if the condition holds and did not hold before."""
        if holds and what not in self._warned:
            _warn(trainer, f"step {trainer.global_step}: {text}")
        (self._warned.add if holds else self._warned.discard)(what)

    def state_dict(self) -> dict[str, Any]:
        """State for a resumed run, so that it warns like an uninterrupted one."""
        won = None if self._won is None else int(self._won)
        return {"won": won, "told": sorted(self._warned), "least": self._least, "before": self._before}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._won = None if state_dict["won"] is None else torch.tensor(state_dict["won"])
        self._warned = set(state_dict["told"])
        self._least, self._before = state_dict["least"], state_dict["before"]


def _mean(trainer: pl.Trainer, values: list[Tensor]) -> Tensor | None:
    """(C,): the mean over the images of all processes, each of which has at least one; None without images."""
    if not values:
        return None
    total = torch.cat([torch.stack(values).sum(0), values[0].new_tensor([len(values)])])
    if trainer.world_size > 1:
        total = trainer.strategy.reduce(total, reduce_op="sum")
    return total[:-1] / total[-1]


def _warn(trainer: pl.Trainer, text: str) -> None:
    if trainer.is_global_zero:
        warn(text)
