"""Batch norm in the last part of training: statistics rest, factors learn; a resumed run does the same."""

import pytest
import torch
from torch import nn

from sr.callback.frozen_norm import FrozenNorm
from tests.jobs import run_script, run_train
from tests.trainer import Module, at, trainer

SHORT = ("model=repsr", "scale=2", "network.n_blocks=1", "trainer.val_check_interval=2", "callback.frozen_norm.start=0.5")


class Normed(Module):
    """A layer and its norm."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def test_the_step_decides():
    module = Normed()
    made, _ = trainer(module, max_steps=9)
    callback = FrozenNorm(start=2 / 3)
    callback.on_train_start(made, module)
    for step, frozen in ((0, False), (5, False), (6, True), (8, True)):
        module.train()
        callback.on_train_batch_start(at(made, step), module, None, 0)
        assert module.network[0].training and module.network[1].training != frozen


def state(folder):
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


@pytest.mark.slow
def test_statistics_rest_and_a_resumed_run_is_the_same(tmp_path):
    words = [*SHORT, f"data_dir={tmp_path}/data"]
    run_train(*words, "trainer.max_steps=2", f"output_dir={tmp_path}/half", "callback.frozen_norm.start=1")
    run_train(*words, "trainer.max_steps=4", f"output_dir={tmp_path}/whole")
    half, whole = state(tmp_path / "half"), state(tmp_path / "whole")
    last = tmp_path / "half" / "checkpoints" / "last.ckpt"
    done = run_script("train.py", f"resume={last}", "trainer.max_steps=4", "callback.frozen_norm.start=0.5", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    resumed = state(tmp_path / "half")
    statistics = [key for key in half if "running_" in key or "num_batches" in key]
    assert statistics and all(torch.equal(half[key], whole[key]) for key in statistics)
    assert not torch.equal(half["network.body.2.first.1.weight"], whole["network.body.2.first.1.weight"])
    assert all(torch.equal(resumed[key], whole[key]) for key in whole)


def test_bad_values_are_refused():
    with pytest.raises(ValueError, match=r"^callback.frozen_norm.start=2: pass a fraction of the steps, from 0 to 1$"):
        FrozenNorm(start=2)
    made, _ = trainer(max_steps=4)
    with pytest.raises(ValueError, match="^callback=frozen_norm: Linear has no batch norm: remove it$"):
        FrozenNorm().on_train_start(made, Module())
    made, _ = trainer(Normed(), max_steps=-1)
    with pytest.raises(ValueError, match="^callback=frozen_norm: pass trainer.max_steps"):
        FrozenNorm().on_train_start(made, Normed())
