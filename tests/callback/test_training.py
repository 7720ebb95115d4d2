"""Callbacks and settings of Lightning by config: early stopping, gradient clipping, accumulation, regularisation."""

import csv
from pathlib import Path

import pytest
import torch

from tests.jobs import run_train


def train(folder: Path, name: str, *words: str) -> dict[str, torch.Tensor]:
    """Weights after a few steps."""
    short = ["trainer.max_steps=4", "schedule=constant"]
    recipe = ["model=edsr_baseline", "network=compact_light", "scale=2", "optimizer.lr=1e-3"]
    run_train(*recipe, *short, *words, f"output_dir={folder}/{name}", f"data_dir={folder}/data")
    return torch.load(folder / name / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with open(folder / name / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def norm(state: dict[str, torch.Tensor], power: int = 2) -> float:
    return float(torch.cat([value.flatten() for value in state.values()]).norm(power))


@pytest.mark.medium
def test_early_stopping(tmp_path):
    """Nothing is learned at a rate of 0: the run ends after the first validation that is no better."""
    words = ["callback=[default,early_stopping]", "callback.early_stopping.patience=1", "optimizer.lr=0"]
    train(tmp_path, "run", *words, "trainer.max_steps=50", "trainer.val_check_interval=2")
    assert [row["step"] for row in rows(tmp_path, "run") if row["val/psnr"]] == ["2", "4"]
    assert (tmp_path / "run" / "metrics.json").is_file()


def test_early_stopping_without_validations_is_refused(tmp_path):
    words = ["callback=[default,early_stopping]", "trainer.limit_val_batches=0"]
    with pytest.raises(ValueError, match=r"^callback.early_stopping needs validations, but trainer.limit_val_batches=0"):
        train(tmp_path, "run", *words)


@pytest.mark.slow
def test_gradient_clipping(tmp_path):
    """With SGD and no momentum a step is lr times the gradient, whose norm is the clip's."""
    words = ["optimizer=sgd", "optimizer.momentum=0", "optimizer.lr=1", "trainer.max_steps=1", "trainer.log_every_n_steps=1"]
    start = train(tmp_path, "start", *words, "optimizer.lr=0")
    free = train(tmp_path, "free", *words)
    clipped = train(tmp_path, "clipped", *words, "trainer.gradient_clip_val=0.01")
    lengths = [norm({key: state[key] - start[key] for key in start}) for state in (free, clipped)]
    assert lengths[0] > 0.02 and lengths[1] == pytest.approx(0.01, rel=1e-3)
    assert float(rows(tmp_path, "free")[0]["train/gradient_norm"]) == pytest.approx(lengths[0], rel=1e-3)


@pytest.mark.medium
def test_accumulation_takes_the_same_step_as_the_whole_batch(tmp_path):
    whole = train(tmp_path, "whole")
    halves = train(tmp_path, "halves", "trainer.accumulate_grad_batches=2")
    difference = norm({key: whole[key] - halves[key] for key in whole})
    assert 0 < difference < 1e-5 * norm(whole)


@pytest.mark.medium
def test_l1_regularisation_is_logged_and_shrinks_weights(tmp_path):
    plain = train(tmp_path, "plain")
    sparse = train(tmp_path, "sparse", "model.l1_regularisation=0.1")
    assert norm(sparse, 1) < norm(plain, 1)
    row = rows(tmp_path, "sparse")[-1]
    assert float(row["train/loss"]) == pytest.approx(
        float(row["train/l1"]) + 0.1 * float(row["train/l1_regularisation"]), rel=1e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_weight_decay_shrinks_weights(tmp_path, optimizer):
    plain = train(tmp_path, "plain", f"optimizer={optimizer}", "optimizer.weight_decay=0")
    decayed = train(tmp_path, "decayed", f"optimizer={optimizer}", "optimizer.weight_decay=10")
    assert norm(decayed) < norm(plain)


@pytest.mark.medium
def test_lr_factors(tmp_path):
    """The first layer learns at a tenth; each group's rate is logged."""
    train(tmp_path, "run", "+model.lr_factors={body.0:0.1}")
    row = rows(tmp_path, "run")[-1]
    rates = sorted(float(value) for key, value in row.items() if key.startswith("train/lr"))
    assert rates == pytest.approx([1e-4, 1e-3])


def test_ema_is_what_is_evaluated(tmp_path):
    state = train(tmp_path, "run", "model.ema=0.5")
    network = {key: value for key, value in state.items() if key.startswith("network.")}
    average = {key: state[key.replace("network.", "average.module.")] for key in network}
    assert int(state["average.n_averaged"]) == 4
    assert 0 < norm({key: network[key] - average[key] for key in network}) < 0.1 * norm(network)

    import sr

    loaded = sr.load(tmp_path / "run" / "checkpoints" / "last.ckpt").state_dict()
    assert all(torch.equal(loaded[key.removeprefix("network.")], average[key]) for key in average)
