"""The first step whose loss is no number."""

import pytest
import pytorch_lightning as pl
import torch

from sr.callback.finite import Finite
from tests.trainer import Module, at, trainer


def started(**options: int) -> tuple[Finite, pl.Trainer]:
    callback, (run, _) = Finite(**options), trainer()
    callback.on_train_start(run, run.lightning_module)
    return callback, run


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_the_step_is_named(bad):
    callback, run = started()
    for step, loss in enumerate([1.0, 0.5], start=1):
        callback.on_train_batch_end(at(run, step), run.lightning_module, {"loss": torch.tensor(loss)})
    with pytest.raises(FloatingPointError, match="the loss became NaN or infinite at step 3;"):
        callback.on_train_batch_end(at(run, 3), run.lightning_module, {"loss": torch.tensor(bad)})


def test_on_a_device_the_first_bad_step_is_kept_until_it_is_looked_at():
    """The module is on a device that is not the CPU; the losses are on the CPU, where tests run."""
    callback, run = started(every_n_steps=5)
    elsewhere = Module().to("meta")
    for step, loss in enumerate([1.0, float("nan"), 1.0, float("nan")], start=1):
        callback.on_train_batch_end(at(run, step), elsewhere, {"loss": torch.tensor(loss)})
    with pytest.raises(FloatingPointError, match="at step 2;"):
        callback.on_save_checkpoint(run, elsewhere, {})
    with pytest.raises(FloatingPointError, match="at step 2;"):
        callback.on_train_batch_end(at(run, 5), elsewhere, {"loss": torch.tensor(1.0)})


def test_no_checkpoint_of_weights_that_are_no_numbers():
    callback, run = started()
    ruined = run.lightning_module
    callback.on_save_checkpoint(run, ruined, {})
    with torch.no_grad():
        ruined.network.bias[0] = float("inf")
    with pytest.raises(FloatingPointError, match="the weights became NaN or infinite at step 0"):
        callback.on_save_checkpoint(run, ruined, {})
