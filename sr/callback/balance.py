"""Warns early, and once, when one loss dominates all others."""

import math
from typing import Any

import pytorch_lightning as pl
from torch import Tensor, nn

from sr.say import warn

_LARGE = 100.0  # distance of VGG-19 features: torchvision's weights give about 1 to 10 at the start


class Balance(pl.Callback):
    """Warns when a weighted loss is many times the sum of all others over the first steps.

    The cause is a wrong weight, or features of another magnitude than the recipe expects. ESRGAN's perceptual loss is about
    150 times its two others; no published ratio is above 1000.

    Args:
        factor: the ratio above which to warn.
        n_steps: number of optimizer steps of this process over which losses are averaged.
    """

    def __init__(self, *, factor: float = 1000.0, n_steps: int = 50) -> None:
        self.factor, self.n_steps = factor, n_steps
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._first: int | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._first = trainer.global_step

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any) -> None:
        if self._first is None or not trainer.is_global_zero:
            return
        for name, weight in weights(pl_module).items():
            if weight and name in outputs["parts"]:
                value = weight * outputs["parts"][name].detach().float().abs()
                self._sums[name] = self._sums.get(name, 0) + value
                self._counts[name] = self._counts.get(name, 0) + 1
        if trainer.global_step >= self._first + self.n_steps:
            self._judge(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Judge a shorter run by the steps it had."""
        if self._first is not None and trainer.is_global_zero:
            self._judge(trainer, pl_module)

    def _judge(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._first = None
        means = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        if (text := verdict(means, self.factor)) is not None:
            warn(f"step {trainer.global_step}: {text}{_features(pl_module, means)}")


def weights(pl_module: pl.LightningModule) -> dict[str, float]:
    """Loss -> its weight in the network's total loss, including the adversarial one."""
    losses = getattr(getattr(pl_module, "loss", None), "losses", {})
    known = {name: float(getattr(loss, "weight", 1.0)) for name, loss in losses.items()}
    adversarial = getattr(pl_module, "adversarial", None)
    return known if adversarial is None else known | {"adversarial": float(adversarial.weight)}


def verdict(means: dict[str, float], factor: float) -> str | None:
    """One line if the largest weighted mean is more than `factor` times the sum of the others; otherwise None."""
    if len(means) < 2:
        return None
    largest = max(means, key=means.__getitem__)
    rest = sum(value for name, value in means.items() if name != largest)
    if not means[largest] > factor * rest:
        return None
    others = ", ".join(f"{name} {value:.3g}" for name, value in means.items() if name != largest)
    share = math.floor(1e4 * means[largest] / (means[largest] + rest)) / 100  # rounded down: 100 only if the others are 0
    key = "adversarial" if largest == "adversarial" else f"loss.{largest}"
    return (
        f"{largest} is {share:.2f} % of the loss ({means[largest]:.3g}, {others}, weights included): the others "
        f"have no effect; try a smaller {key}.weight"
    )


def _features(pl_module: pl.LightningModule, means: dict[str, float]) -> str:
    """Additional advice if VGG-19 features are far larger than torchvision's."""
    losses, largest = dict(pl_module.loss.losses.items()), max(means, key=means.__getitem__)
    loss = losses.get(largest)
    if not isinstance(getattr(loss, "vgg", None), nn.Module) or "conv3_4" not in loss.layers:
        return ""
    if means[largest] < _LARGE * loss.weight * loss.layers["conv3_4"]:
        return ""
    return ", or loss=perceptual_conv3_4, which is scaled for VGG-19 files whose features are 100 times torchvision's"
