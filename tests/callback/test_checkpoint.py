"""Which checkpoint is the best, and when the last is written."""

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.precision import MixedPrecision, Precision
from torch.utils.data import DataLoader

from sr.callback.checkpoint import Checkpoint
from sr.files import whole
from sr.plugin.checkpoint_io import BackgroundIO
from tests.jobs import run_train
from tests.trainer import Module, at, trainer


def validate(callback: Checkpoint, trainer: pl.Trainer, step: int, score: float) -> None:
    at(trainer, step).callback_metrics["val/psnr"] = torch.tensor(score)
    callback.on_validation_end(trainer, None)


@pytest.mark.parametrize("mode, best", [("max", [1, 3, 5]), ("min", [1, 2, 4]), ("last", [1, 2, 3, 4, 5, 6])])
def test_best_is_the_best_of_all_validations(tmp_path, mode, best):
    callback, (run, notes) = Checkpoint(folder=str(tmp_path), monitor="val/psnr", mode=mode), trainer()
    for step, score in enumerate([30.0, 29.0, 31.0, 28.0, 32.0, 30.0], start=1):
        validate(callback, run, step, score)
    assert [step for name, step in notes.saved if name == "best.ckpt"] == best
    assert [step for name, step in notes.saved if name == "last.ckpt"] == [1, 2, 3, 4, 5, 6]
    assert callback.score == {"max": 32.0, "min": 28.0, "last": 30.0}[mode]


def test_a_score_that_is_no_number_is_never_the_best(tmp_path):
    callback, (run, notes) = Checkpoint(folder=str(tmp_path), monitor="val/psnr"), trainer()
    for step, score in enumerate([float("nan"), 29.0, float("nan")], start=1):
        validate(callback, run, step, score)
    assert [entry for entry in notes.saved if entry[0] == "best.ckpt"] == [("best.ckpt", 2)]


def test_the_best_score_survives_a_resume(tmp_path):
    callback, (run, _) = Checkpoint(folder=str(tmp_path), monitor="val/psnr"), trainer()
    validate(callback, run, 1, 31.0)
    resumed, (run, notes) = Checkpoint(folder=str(tmp_path), monitor="val/psnr"), trainer()
    resumed.load_state_dict(callback.state_dict())
    validate(resumed, run, 2, 30.0)
    assert notes.saved == [("last.ckpt", 2)]


def test_infinity_and_ties_are_not_better(tmp_path):
    callback, (run, notes) = Checkpoint(folder=str(tmp_path), monitor="val/psnr"), trainer()
    with pytest.warns(UserWarning, match="step 2: val/psnr is inf: this checkpoint cannot be the best"):
        for step, score in enumerate([30.0, float("inf"), 30.0], start=1):
            validate(callback, run, step, score)
    assert [step for name, step in notes.saved if name == "best.ckpt"] == [1] and callback.score == 30.0


def test_a_resume_with_another_monitor_begins_anew(tmp_path):
    """A PSNR of 30 is no SSIM that could be beaten."""
    callback, (run, _) = Checkpoint(folder=str(tmp_path), monitor="val/psnr"), trainer()
    validate(callback, run, 1, 30.0)
    resumed = Checkpoint(folder=str(tmp_path), monitor="val/ssim")
    with pytest.warns(UserWarning, match="best.ckpt was the best by val/psnr; from now on it is the best by val/ssim"):
        resumed.load_state_dict(callback.state_dict())
    assert resumed.score is None


def test_last_is_also_written_between_validations(tmp_path):
    callback, (run, notes) = Checkpoint(folder=str(tmp_path), monitor="val/psnr", every_n_steps=5), trainer(max_steps=100)
    run.val_check_batch = 10  # as the fit loop reads it of val_check_interval
    for step in range(1, 21):
        callback.on_train_batch_end(at(run, step))
    assert notes.saved == [("last.ckpt", 5), ("last.ckpt", 15)]  # at 10 and 20 the validation writes it


def test_what_killed_writes_left_is_cleared_away_when_a_run_begins(tmp_path):
    with pytest.raises(KeyboardInterrupt), whole(tmp_path / "last.ckpt") as left:
        left.write_bytes(bytes(9))
        raise KeyboardInterrupt
    assert not left.exists()
    others = [tmp_path / name for name in ("best.ckpt", ".notes.tmp", "a.tmp")]
    for file in (left, *others):
        file.write_bytes(bytes(9))
    callback, (run, _) = Checkpoint(folder=str(tmp_path), monitor="val/psnr"), trainer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(run), "is_global_zero", False)  # in another process than the first
        callback.on_fit_start(run, None)
    assert left.exists()  # the first process clears
    callback.on_fit_start(run, None)
    assert sorted(tmp_path.iterdir()) == sorted(others)


def test_no_process_leaves_training_before_the_first_has_written(tmp_path):
    callback, (run, notes) = Checkpoint(folder=str(tmp_path), monitor="val/psnr"), trainer()
    run.strategy.barrier = notes.calls.append  # Lightning's own of one process does nothing
    callback.on_train_end(run, None)
    assert [call for call in notes.calls if call != "Trainer.save_checkpoint"] == ["last.ckpt", "wait", "checkpoints"]


class Fits(Module):
    """Two steps in each fit."""

    def training_step(self, batch, batch_idx):
        return {"loss": self.network(batch).square().mean()}

    def train_dataloader(self):
        return DataLoader(torch.ones(100, 2))


@pytest.mark.parametrize(
    "before, after, said",
    [
        ("16-mixed", "bf16-mixed", "resume: trainer.precision=bf16-mixed needs no scale of the gradients: that of 16-mixed"),
        ("16-mixed", "32-true", "resume: trainer.precision=32-true needs no scale of the gradients: that of 16-mixed is left"),
        ("32-true", "16-mixed", "resume: the run had no scale of the gradients: that of 16-mixed starts at 64"),
        ("16-mixed", "16-mixed", ""),
    ],
)
def test_a_resume_in_another_precision(tmp_path, capsys, before, after, said):
    """Lightning's own fits, in 16-mixed with torch's scaler, which grows after two steps."""

    def fit(precision, steps, file=None):
        scaler = torch.amp.GradScaler("cpu", init_scale=64.0, growth_interval=2) if precision == "16-mixed" else None
        plugins = [BackgroundIO(), Precision() if precision == "32-true" else MixedPrecision(precision, "cpu", scaler)]
        torch.manual_seed(0)
        keeper, module = Checkpoint(folder=str(tmp_path), monitor="val/psnr"), Fits()
        options = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
        run = pl.Trainer(accelerator="cpu", max_steps=steps, plugins=plugins, callbacks=[keeper], **options)
        run.fit(module, ckpt_path=file)
        return run, module, scaler

    fit(before, 2)
    saved = torch.load(tmp_path / "last.ckpt")
    assert ("MixedPrecision" in saved) == (before == "16-mixed")
    capsys.readouterr()
    run, module, scaler = fit(after, 4, tmp_path / "last.ckpt")
    found = [line for line in capsys.readouterr().out.splitlines() if line.startswith("resume:")]
    assert len(found) == bool(said) and all(line.startswith(said) for line in found)
    assert run.global_step == 4 and not torch.equal(module.network.weight, saved["state_dict"]["network.weight"])
    if scaler is not None:
        assert scaler.get_scale() == (256 if before == after else 128)


@pytest.mark.medium
def test_another_metric_is_the_monitor_by_config(tmp_path):
    words = [f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data", "trainer.max_steps=4"]
    score = run_train(*words, "metric=[psnr,ssim]", "callback.checkpoint.monitor=val/split/ssim")
    assert 0 < score <= 1
