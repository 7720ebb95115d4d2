"""The first step whose loss is no number."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from sr.callback.finite import Finite


def module(device: str = "cpu") -> SimpleNamespace:
    return SimpleNamespace(device=torch.device(device), network=nn.Linear(2, 2))


def started(**options: int) -> tuple[Finite, SimpleNamespace]:
    callback, trainer = Finite(**options), SimpleNamespace(global_step=0)
    callback.on_train_start(trainer, module())
    return callback, trainer


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_the_step_is_named(bad):
    callback, trainer = started()
    for step, loss in enumerate([1.0, 0.5], start=1):
        trainer.global_step = step
        callback.on_train_batch_end(trainer, module(), {"loss": torch.tensor(loss)})
    trainer.global_step = 3
    with pytest.raises(FloatingPointError, match="the loss became NaN or infinite at step 3;"):
        callback.on_train_batch_end(trainer, module(), {"loss": torch.tensor(bad)})


def test_on_a_device_the_first_bad_step_is_kept_until_it_is_looked_at():
    """The module says it is on a GPU; the numbers are on the CPU, where tests run."""
    callback, trainer = started(every_n_steps=5)
    gpu = SimpleNamespace(device=SimpleNamespace(type="cuda"), network=nn.Linear(2, 2))
    for step, loss in enumerate([1.0, float("nan"), 1.0, float("nan")], start=1):
        trainer.global_step = step
        callback.on_train_batch_end(trainer, gpu, {"loss": torch.tensor(loss)})
    with pytest.raises(FloatingPointError, match="at step 2;"):
        callback.on_save_checkpoint(trainer, gpu, {})
    trainer.global_step = 5
    with pytest.raises(FloatingPointError, match="at step 2;"):
        callback.on_train_batch_end(trainer, gpu, {"loss": torch.tensor(1.0)})


def test_no_checkpoint_of_weights_that_are_no_numbers():
    callback, trainer = started()
    ruined = module()
    callback.on_save_checkpoint(trainer, ruined, {})
    with torch.no_grad():
        ruined.network.bias[0] = float("inf")
    with pytest.raises(FloatingPointError, match="the weights became NaN or infinite at step 0"):
        callback.on_save_checkpoint(trainer, ruined, {})
