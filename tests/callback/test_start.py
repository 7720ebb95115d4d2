"""What a run says at its start, and the scores of the weights that it starts from."""

import csv
import json
from types import SimpleNamespace

import pytest
import torch

import sr
from sr.callback import start
from sr.errors import StorageError
from sr.weights import checkpoint
from tests.jobs import compose, run_train


def column(folder, name):
    with open(folder / "metrics.csv", newline="") as file:
        return {int(row["step"]): float(row[name]) for row in csv.DictReader(file) if row.get(name)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of two steps, one that starts from its last weights, and what the second printed."""
    folder = tmp_path_factory.mktemp("start")
    words = [f"data_dir={folder}/data", "trainer.max_steps=2", "trainer.val_check_interval=2"]
    run_train(*words, f"output_dir={folder}/first")
    with pytest.MonkeyPatch.context() as patch:
        said = []
        patch.setattr("builtins.print", lambda *texts, **_: said.append(" ".join(map(str, texts))))
        run_train(*words, f"output_dir={folder}/second", f"init_from={folder}/first/checkpoints/last.ckpt")
    return folder, "\n".join(said), words


def test_the_summary_says_what_is_trained_on_what(runs):
    folder, said, _ = runs
    network = sr.load(folder / "second" / "checkpoints" / "best.ckpt")
    count = sum(parameter.numel() for parameter in network.parameters())
    assert f"Regression, network Compact of {count:,} parameters, scale 2" in said
    assert "data      9 in the training set, 4 patches of side 16 (LR pixels) a step" in said
    assert "measured  validation: split (1); test: sample (1)" in said and "training  steps 0 to 2, 32-true" in said
    assert f"folder    {folder}/second" in said and "2 checkpoints of about " in said


def test_the_weights_it_starts_from_are_validated_and_the_table_has_the_change(runs):
    folder, said, _ = runs
    before, after = column(folder / "first", "val/psnr"), column(folder / "second", "val/psnr")
    assert list(after) == [0, 2] and after[0] == before[2]
    line = (folder / "second" / "table.md").read_text().splitlines()[-1]
    assert line == f"val/psnr: {after[0]:.2f} at the start, {after[2]:.2f} in best.ckpt: {after[2] - after[0]:+.2f}"
    assert line in said and "at the start" not in (folder / "first" / "table.md").read_text()
    assert json.loads((folder / "second" / "run.json").read_text())["start"]["val/psnr"] == pytest.approx(after[0], abs=1e-5)


@pytest.mark.medium
def test_training_is_the_same_without_it_and_a_resumed_run_keeps_the_scores(runs):
    folder, _, words = runs
    from_first = [*words, f"init_from={folder}/first/checkpoints/last.ckpt"]
    run_train(*from_first, f"output_dir={folder}/without", "callback=[checkpoint,log]")
    states = [checkpoint.read(folder / name / "checkpoints" / "last.ckpt")["state_dict"] for name in ("second", "without")]
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())
    known = json.loads((folder / "second" / "run.json").read_text())["start"]
    last = folder / "second" / "checkpoints" / "last.ckpt"
    run_train(*words, f"resume={last}", f"output_dir={folder}/second")
    assert json.loads((folder / "second" / "run.json").read_text())["start"] == known


def test_a_disk_too_small_for_the_checkpoints_is_said_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr(start.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(StorageError, match="checkpoints of about .* need three times as much, but 0.0 MB are free"):
        run_train(f"output_dir={tmp_path}/run", "trainer.max_steps=1")


def test_every_recipe_of_the_config_has_it():
    assert compose("train", "output_dir=run").callback.start._target_ == "sr.callback.start.Start"
