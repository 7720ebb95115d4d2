"""Losses by name, learning rates, gradient norm and throughput, to every logger."""

import time
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor


class Log(pl.Callback):
    """Writes averages over the last `every_n_steps` optimizer steps; between two writes nothing waits for the device.

    Losses are the means over all processes, which meet when something is written: a row, or a checkpoint.
    """

    def __init__(self, *, every_n_steps: int = 50) -> None:
        self.every_n_steps = every_n_steps
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}  # of each: a GAN's losses are not all there from the first step
        self._step = 0
        self._since = 0.0
        self._strategy: pl.strategies.Strategy | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._step, self._since, self._strategy = trainer.global_step, time.perf_counter(), trainer.strategy

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any) -> None:
        for name, value in {"loss": outputs["loss"], **outputs["parts"]}.items():
            value = value.detach().float()  # a sum in bfloat16 stands still; and a checkpoint keeps it as float32
            self._sums[name] = self._sums[name] + value if name in self._sums else value.clone()
            self._counts[name] = self._counts.get(name, 0) + 1
        step = trainer.global_step
        if step == self._step or step % self.every_n_steps:
            return
        self._share()
        seconds = time.perf_counter() - self._since
        values = {f"train/{name}": float(total) / self._counts[name] for name, total in self._sums.items()}
        values |= {f"train/{name}": rate for name, rate in _learning_rates(trainer).items()}
        if pl_module.automatic_optimization:  # others know the norm before clipping and put it among the parts
            values["train/gradient_norm"] = _gradient_norm(pl_module)
        values["train/images_per_second"] = (step - self._step) * trainer.datamodule.batch_size / seconds
        for logger in trainer.loggers:
            logger.log_metrics(values, step)
        self._sums, self._counts, self._step, self._since = {}, {}, step, time.perf_counter()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._since = time.perf_counter()  # throughput is the training's alone

    def _share(self) -> None:
        """All go on with the mean of their sums: so does a resumed run, in which they begin with those of the first process."""
        if self._sums and self._strategy is not None:
            device = self._strategy.root_device
            sums = self._strategy.reduce(torch.stack([total.to(device) for total in self._sums.values()]), reduce_op="mean")
            self._sums = dict(zip(self._sums, sums.unbind(), strict=True))

    def state_dict(self) -> dict[str, Any]:
        self._share()  # each process comes here
        return {"sums": {name: float(value) for name, value in self._sums.items()}, "counts": dict(self._counts)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._sums = {name: torch.tensor(value) for name, value in state_dict["sums"].items()}
        self._counts = dict(state_dict["counts"])


def _learning_rates(trainer: pl.Trainer) -> dict[str, float]:
    """lr, or lr_0, lr_1 ... of several parameter groups; of a second optimizer discriminator_lr."""
    rates = {}
    for prefix, optimizer in zip(("", "discriminator_"), trainer.optimizers, strict=False):
        groups = optimizer.param_groups
        rates |= {f"{prefix}lr" + (f"_{i}" if len(groups) > 1 else ""): group["lr"] for i, group in enumerate(groups)}
    return rates


def _gradient_norm(pl_module: pl.LightningModule) -> float:
    gradients = [p.grad for p in pl_module.network.parameters() if p.grad is not None]
    return float(torch.nn.utils.get_total_norm(gradients)) if gradients else 0.0
