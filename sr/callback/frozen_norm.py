"""Batch norm that stops using the statistics of the batch in the last part of training, as RepSR does."""

from typing import Any

import pytorch_lightning as pl
from torch import nn

from sr.errors import InputError

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


class FrozenNorm(pl.Callback):
    """From step `start` * max_steps on, the network's batch norms use their stored statistics, and no longer update them.

    Their factors and offsets still learn. So training ends with what evaluation computes: Wang, Dong, Shan 2022,
    arXiv:2205.05671. The step decides, so a resumed run does the same.

    Args:
        start: fraction of the steps, in [0, 1].

    Raises:
        InputError: `start` is out of range; at the start of training, the network has no batch norm, or the run has no end.
    """

    def __init__(self, *, start: float = 2 / 3) -> None:
        if not 0 <= start <= 1:
            raise InputError(f"callback.frozen_norm.start={start}: pass a fraction of the steps, from 0 to 1")
        self.start = start

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if not self._norms(pl_module):
            raise InputError(f"callback=frozen_norm: {type(pl_module.network).__name__} has no batch norm: remove it")
        if trainer.max_steps < 0:
            raise InputError("callback=frozen_norm: pass trainer.max_steps, of which callback.frozen_norm.start is a fraction")

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
        if trainer.global_step >= self.start * trainer.max_steps:
            for norm in self._norms(pl_module):
                norm.eval()

    @staticmethod
    def _norms(pl_module: Any) -> list[nn.Module]:
        return [module for module in pl_module.network.modules() if isinstance(module, _NORMS)]
