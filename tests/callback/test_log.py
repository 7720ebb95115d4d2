"""The numbers of metrics.csv are what their names say, from real short runs."""

import csv
import time
from pathlib import Path

import pytest
import pytorch_lightning as pl

from sr import build
from tests.jobs import ONE_PHOTO, SMALL, call, compose
from tests.model.gan_job import fit

EVERY_STEP = ("trainer.max_steps=4", "trainer.log_every_n_steps=1", "callback=[checkpoint,log]")


def rows(folder: Path) -> list[dict[str, float]]:
    """Rows of training."""
    with open(folder / "metrics.csv", newline="") as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file) if row.get("train/loss")]


def train(folder: Path, *words: str, watch: pl.Callback | None = None) -> list[dict[str, float]]:
    cfg = compose("train", *SMALL, *ONE_PHOTO, *EVERY_STEP, *words, f"output_dir={folder}", f"data_dir={folder.parent}/data")
    build.seed(cfg)
    data, module = build.data(cfg), build.model(cfg)
    trainer = build.trainer(cfg, module)
    if watch is not None:
        trainer.callbacks.insert(0, watch)
    build.fit(trainer, module, data)
    return rows(folder)


@pytest.mark.medium
def test_the_gradient_norm_is_that_before_clipping(tmp_path):
    """Of the first step, where both runs have the same weights; the recipe clips to 0.1."""
    free = train(tmp_path / "free", "trainer.gradient_clip_val=null")
    clipped = train(tmp_path / "clipped", "trainer.gradient_clip_val=1e-4")
    assert clipped[0]["train/gradient_norm"] == pytest.approx(free[0]["train/gradient_norm"], rel=1e-5)
    assert all(row["train/gradient_norm"] > 1e-2 for row in clipped)


@pytest.mark.medium
def test_accumulated_steps_log_the_loss_of_a_batch(tmp_path):
    """Not the part of it that each of the accumulated batches adds to the gradient."""
    whole, halves = (train(tmp_path / str(n), f"trainer.accumulate_grad_batches={n}") for n in (1, 2))
    for ours, theirs in zip(halves, whole, strict=True):
        assert ours["train/loss"] == pytest.approx(ours["train/l1"], rel=1e-6)
        assert ours["train/loss"] == pytest.approx(theirs["train/loss"], rel=1e-3)
        assert ours["train/gradient_norm"] == pytest.approx(theirs["train/gradient_norm"], rel=1e-2)


@pytest.mark.slow
def test_accumulated_steps_of_a_gan_too(tmp_path):
    """Each network's own: the loss is the weighted sum of what stands beside it."""
    words = ["callback=[checkpoint,log]", "logger=csv", "trainer.accumulate_grad_batches=2", "trainer.max_steps=2"]
    fit(tmp_path / "run", *words, "adversarial=vanilla")
    for row in rows(tmp_path / "run"):
        parts = 1e-2 * row["train/l1"] + row["train/perceptual"] + 5e-3 * row["train/adversarial"]
        assert row["train/loss"] == pytest.approx(parts, rel=1e-4)


class Slow(pl.Callback):
    def on_train_batch_start(self, *_):
        time.sleep(0.1)


@pytest.mark.medium
def test_throughput_counts_all_of_the_training_and_nothing_of_the_validation(tmp_path):
    """4 images in at least 0.1 s; a validation lies between the three steps of the one row and its fourth."""
    made = train(tmp_path / "run", "trainer.log_every_n_steps=4", "trainer.val_check_interval=3", watch=Slow())
    assert len(made) == 1 and 0 < made[0]["train/images_per_second"] < 40


ALONE = """
import sys
sys.path.insert(0, "{root}")
import pytorch_lightning as pl
from tests.callback.test_log import train

class Alone(pl.Callback):
    def on_train_batch_end(self, trainer, pl_module, *_):
        log = next(callback for callback in trainer.callbacks if type(callback).__name__ == "Log")
        if trainer.is_global_zero and trainer.global_step == 3:
            print("alone:", log.state_dict()["counts"]["loss"], flush=True)

if __name__ == "__main__":
    from pathlib import Path
    train(Path("run").absolute(), "trainer.devices=2", "trainer.log_every_n_steps=4", watch=Alone())
"""


@pytest.mark.slow
def test_one_process_of_two_can_take_the_state_alone(tmp_path):
    """What waited for the others there would wait for ever. The row is the mean over both: that of one process."""
    root = Path(__file__).resolve().parents[2]
    (tmp_path / "alone.py").write_text(ALONE.format(root=root))
    done = call(tmp_path / "alone.py", cwd=tmp_path, timeout=250)
    assert done.returncode == 0, done.stderr
    assert "alone: " in done.stdout
    (two,), (one,) = rows(tmp_path / "run"), train(tmp_path / "one", "trainer.log_every_n_steps=4")
    assert two["train/loss"] == pytest.approx(one["train/loss"], rel=1e-3)
    assert two["train/gradient_norm"] == pytest.approx(one["train/gradient_norm"], rel=1e-2)
