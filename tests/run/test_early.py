"""A training that ends before its last step says so, on the screen, in run.json, in a sweep's table and in a report."""

import csv
import json
import re
from pathlib import Path

import pytest
import pytorch_lightning as pl
from torch import Tensor

from sr.errors import InputError
from sr.metric.local import LocalMetric
from sr.report.runs import read as read_run
from sr.sweep.job import Job
from sr.sweep.record import Record
from tests.jobs import run_train

PLAIN = ("model=edsr_baseline", "network=compact_light", "scale=2", "optimizer.lr=0", "trainer.val_check_interval=2")
ERROR = ("+metric.mae._target_=tests.run.test_early.MAE", "+metric.mae.crop_border=2")
STOPPING = ("callback=[default,early_stopping]", "callback.early_stopping.patience=1", "trainer.max_steps=50")


class MAE(LocalMetric):
    """Of which less is better."""

    higher_is_better = False

    def local(self, sr: Tensor, hr: Tensor) -> Tensor:
        return (sr - hr).abs()


class Halt(pl.Callback):
    """Ends a training after its first step."""

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        trainer.should_stop = True


def train(folder: Path, *words: str) -> dict:
    run_train(*PLAIN, *words, f"output_dir={folder}/run", f"data_dir={folder}/data")
    return json.loads((folder / "run" / "run.json").read_text())


@pytest.mark.medium
def test_early_stopping(tmp_path, capsys):
    """Nothing is learned at a rate of 0."""
    record = train(tmp_path, *STOPPING)
    early = record["stopped_early"]
    assert (record["status"], record["training"]["steps"], early["step"], early["max_steps"]) == ("done", 4, 4, 50)
    reason = f"val/psnr did not rise above {record['score']:.4f} in 1 validations (callback.early_stopping.patience=1)"
    assert early["reason"] == reason
    assert f"stopped early at step 4 of 50: {reason}\n" in capsys.readouterr().out
    assert read_run(tmp_path / "run").status == "done, early at step 4 of 50"

    job = Job("train.py", str(tmp_path / "run"), ["seed=1"], [])
    table = Record(tmp_path)
    table.add([job], resume=True)
    table.note(job._outcome(0, 1.0, stopping=False))
    assert "| done (early, step 4 of 50) |" in (tmp_path / "sweep.md").read_text()


@pytest.mark.medium
def test_a_metric_of_which_less_is_better(tmp_path):
    words = [*STOPPING, *ERROR, "callback.early_stopping.monitor=val/mae", "callback.early_stopping.mode=min"]
    words += ["callback.checkpoint.monitor=val/mae", "callback.checkpoint.mode=min", "optimizer.lr=1e-3"]
    words += ["callback.early_stopping.min_delta=1000", "callback.early_stopping.patience=2", "trainer.val_check_interval=4"]
    record = train(tmp_path, *words)
    assert "val/mae did not fall below " in record["stopped_early"]["reason"]
    with open(tmp_path / "run" / "metrics.csv", newline="") as file:
        scores = [float(row["val/mae"]) for row in csv.DictReader(file) if row["val/mae"]]
    assert len(set(scores)) == 3 and record["score"] == pytest.approx(min(scores))


@pytest.mark.parametrize(
    "words, line",
    [
        ([], "callback.checkpoint.mode=max: for mae, lower is better; pass callback.checkpoint.mode=min"),
        (
            ["callback.checkpoint.mode=min", "callback=[default,early_stopping]", "callback.early_stopping.mode=min"],
            "callback.early_stopping.mode=min: for psnr, higher is better; pass callback.early_stopping.mode=max",
        ),
    ],
)
def test_a_mode_that_keeps_the_worst_is_refused(tmp_path, words, line):
    with pytest.raises(InputError, match=f"^{re.escape(line)}$"):
        train(tmp_path, *ERROR, "callback.checkpoint.monitor=val/mae", *words)


@pytest.mark.medium
@pytest.mark.parametrize(
    "words, reason",
    [
        (
            ["trainer.max_time=00:00:00:01", "trainer.max_steps=1000000", "trainer.val_check_interval=1000000"],
            "trainer.max_time",
        ),
        (["+callback.halt._target_=tests.run.test_early.Halt", "trainer.max_steps=50"], "a callback asked for it"),
    ],
)
def test_other_reasons(tmp_path, capsys, words, reason):
    early = train(tmp_path, *words)["stopped_early"]
    assert reason in early["reason"] and 0 < early["step"] < early["max_steps"]
    assert f"stopped early at step {early['step']} of " in capsys.readouterr().out


@pytest.mark.medium
def test_a_run_to_its_last_step_says_nothing_and_one_that_resumes_there_says_that(tmp_path, capsys):
    assert train(tmp_path, "trainer.max_steps=2")["stopped_early"] is None
    assert "stopped early" not in capsys.readouterr().out
    last = tmp_path / "run" / "checkpoints" / "last.ckpt"
    train(tmp_path, f"resume={last}", "trainer.max_steps=2")
    assert f"nothing left to train: {last} is at step 2, and trainer.max_steps=2; pass a larger" in capsys.readouterr().out
