"""Logs each loss, the learning rates, the gradient norm and the throughput to every logger."""

import time
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.optim import Optimizer


class Log(pl.Callback):
    """Writes averages over the last `every_n_steps` optimizer steps; between two writes nothing synchronises the device.

    Losses are averaged over all processes in every step, so each process has the global sums and one process alone can write
    a checkpoint. The gradient norm is taken before clipping, and leaves out the steps that 16-mixed skipped.
    """

    def __init__(self, *, every_n_steps: int = 50) -> None:
        self.every_n_steps = every_n_steps
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}  # per name: a GAN does not have all losses from the first step
        self._batches: list[dict[str, Tensor]] = []  # batches of the current step in this process
        self._norm: dict[str, Tensor] = {}
        self._step = 0
        self._images = 0
        self._seconds = 0.0
        self._since: float | None = None  # None during validation: throughput counts training only

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._step, self._since = trainer.global_step, time.perf_counter()

    def on_before_optimizer_step(self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer) -> None:
        """Gradients are averaged over processes, unscaled, and not yet clipped. (A GAN reports its own norms among the
        losses.)"""
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        overflow = getattr(trainer.precision_plugin, "scaler", None) is not None and not norm.isfinite()
        self._norm = {} if overflow else {"gradient_norm": norm}

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any) -> None:
        loss = batch_loss(trainer, outputs)
        values = ({} if loss is None else {"loss": loss}) | outputs["parts"] | self._norm
        # Sums in bfloat16 would stop growing, and checkpoints keep float32.
        self._batches.append({name: value.detach().float() for name, value in values.items()})
        self._norm = {}
        step = trainer.global_step
        if step == self._step:
            return
        data = trainer.datamodule
        self._step, self._images = step, self._images + data.plan.phase((step - 1) * data.accumulate).batch_size
        self._add(trainer)
        if step % self.every_n_steps == 0:
            self._write(trainer)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._since is not None:
            self._seconds, self._since = self._seconds + time.perf_counter() - self._since, None

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._since = time.perf_counter()

    def _add(self, trainer: pl.Trainer) -> None:
        """Add the values of the step's batches to the sums; with several processes their means, in one short message."""
        names = list(dict.fromkeys(name for batch in self._batches for name in batch))
        counts = [sum(name in batch for batch in self._batches) for name in names]
        device = trainer.strategy.root_device
        totals = torch.stack([sum(batch[name].to(device) for batch in self._batches if name in batch) for name in names])
        if trainer.world_size > 1:
            totals = trainer.strategy.reduce(totals, reduce_op="mean")
        for name, total, count in zip(names, totals.unbind(), counts, strict=True):
            self._sums[name] = self._sums[name] + total if name in self._sums else total
            self._counts[name] = self._counts.get(name, 0) + count
        self._batches = []

    def _write(self, trainer: pl.Trainer) -> None:
        now = time.perf_counter()
        values = {f"train/{name}": float(total) / self._counts[name] for name, total in self._sums.items()}
        values |= {f"train/{name}": rate for name, rate in _learning_rates(trainer).items()}
        values["train/images_per_second"] = self._images / (self._seconds + now - self._since)
        for logger in trainer.loggers:
            logger.log_metrics(values, self._step)
        self._sums, self._counts, self._images, self._seconds, self._since = {}, {}, 0, 0.0, now

    def state_dict(self) -> dict[str, Any]:
        return {"sums": {name: float(value) for name, value in self._sums.items()}, "counts": dict(self._counts)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._sums = {name: torch.tensor(value) for name, value in state_dict["sums"].items()}
        self._counts = dict(state_dict["counts"])


def batch_loss(trainer: pl.Trainer, outputs: Any) -> Tensor | None:
    """The network's loss of a batch; None where it rests, and its discriminator alone learns.

    Lightning returns its share of an accumulated step, which is divided by the number of batches.
    """
    return outputs["loss"] * trainer.accumulate_grad_batches if "loss" in outputs else None


def _learning_rates(trainer: pl.Trainer) -> dict[str, float]:
    """lr, or lr_0, lr_1 ... with several parameter groups; discriminator_lr and so on for others (`learners` of the module)."""
    rates = {}
    for prefix, optimizer in zip(getattr(trainer.lightning_module, "learners", ("",)), trainer.optimizers, strict=False):
        groups = optimizer.param_groups
        rates |= {f"{prefix}lr" + (f"_{i}" if len(groups) > 1 else ""): group["lr"] for i, group in enumerate(groups)}
    return rates
