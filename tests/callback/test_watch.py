"""Warnings in plain words, from real short runs."""

import warnings

import pytest
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import nn

from sr.callback.watch import Watch
from tests.model.gan_job import fit

WATCH = ("callback=[checkpoint,watch]", "callback.watch.patience=2")


class Cast(pl.Callback):
    """Takes 25 grey levels of red from everything before the second validation."""

    def on_validation_start(self, trainer, pl_module):
        if trainer.global_step == 6:
            pl_module.network.conv_last.bias.data[0] -= 0.1


class Checkerboard(pl.Callback):
    """From the second validation on SR comes from a transposed convolution of kernel 3 at stride 2."""

    def on_validation_start(self, trainer, pl_module):
        if trainer.global_step == 6:
            layer = nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1, output_padding=1, bias=False)
            nn.init.constant_(layer.weight, 4 / 9)

            def checkered(_, __, sr):
                return layer(F.avg_pool2d(sr, 2).flatten(0, 1)[:, None]).reshape(sr.shape)

            pl_module.network.register_forward_hook(checkered)


def said(folder, *options, watch=None):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(folder, *WATCH, *options, watch=watch)
    lines = [str(warning.message) for warning in caught]
    return [line for line in lines if any(word in line for word in ("colours drift", "has won", "has a grid"))]


@pytest.mark.medium
def test_a_discriminator_that_wins_is_told_once(tmp_path):
    """Any loss counts as won here."""
    lines = said(tmp_path, "callback.watch.discriminator_loss=100")
    assert len(lines) == 1
    assert lines[0].startswith("step 2: the discriminator has won: its loss was below 100") and "\n" not in lines[0]


@pytest.mark.medium
def test_a_discriminator_that_is_always_right_is_told(tmp_path):
    """Whatever its loss is; any share of right logits counts here."""
    always = ("callback.watch.discriminator_accuracy=0", "callback.watch.discriminator_loss=0")
    (line,) = said(tmp_path, *always, "trainer.max_steps=2")
    assert line.startswith("step 2: the discriminator has won: it was right about 0 % of HR and of SR for 2 iterations (loss ")
    assert " % of HR and " in line and "\n" not in line


@pytest.mark.medium
def test_colours_that_drift_are_told(tmp_path):
    lines = said(tmp_path, "model.ema=null", "optimizer.lr=0", watch=Cast())
    assert len(lines) == 1 and "\n" not in lines[0]
    assert lines[0].startswith("step 6: colours drift") and "(red)" in lines[0]


@pytest.mark.medium
def test_a_grid_is_told_once(tmp_path):
    longer = ("trainer.max_steps=9", "optimizer.lr=0", "model.ema=null", "callback.watch.colour_drift=1")
    lines = said(tmp_path, *longer, watch=Checkerboard())
    assert len(lines) == 1 and "\n" not in lines[0]
    assert lines[0].startswith("step 6: SR has a grid of period 4 with an amplitude of ") and "loss.l1" in lines[0]


def test_a_resumed_run_remembers_what_it_saw():
    watch, again = Watch(), Watch()
    watch._warned, watch._least, watch._before, watch._won = {"cast"}, 0.01, 0.002, torch.tensor(7)
    again.load_state_dict(watch.state_dict())
    assert again.state_dict() == {"won": 7, "told": ["cast"], "least": 0.01, "before": 0.002}


@pytest.mark.medium
@pytest.mark.parametrize("criterion", ["wgan_gp", "ragan"])
def test_nothing_is_said_where_nothing_is_wrong(tmp_path, criterion):
    """Wasserstein's loss has no bound that means victory. The network has only begun: it has the colours of no image yet."""
    limit = 100 if criterion == "wgan_gp" else 0.02
    assert not said(tmp_path, f"adversarial={criterion}", f"callback.watch.discriminator_loss={limit}")


START = "adversarial training starts from random weights"


def starts(folder, *options) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(folder, *WATCH, "trainer.max_steps=1", *options)
    return [str(warning.message) for warning in caught if START in str(warning.message)]


@pytest.mark.medium
def test_a_gan_that_starts_from_nothing_is_told_and_trains(tmp_path):
    (line,) = starts(tmp_path / "first")
    assert "init_from=FILE" in line and "model.pretrain_steps" in line and "\n" not in line
    last = tmp_path / "first" / "checkpoints" / "last.ckpt"
    assert last.is_file()
    assert not starts(tmp_path / "second", f"init_from={last}")
    assert not starts(tmp_path / "third", "model.pretrain_steps=1")


@pytest.mark.medium
def test_the_best_checkpoint_by_a_metric_without_a_reference(tmp_path):
    class Scores(pl.Callback):
        seen = []

        def on_validation_end(self, trainer, pl_module):
            self.seen.append((trainer.global_step, trainer.callback_metrics["val/niqe"].item()))

    scores = Scores()
    monitor = ("callback.checkpoint.monitor=val/niqe", "callback.checkpoint.mode=min")
    trainer, _ = fit(tmp_path, "metric=[psnr,niqe]", *monitor, "model.ema=null", watch=scores)
    step, least = min(scores.seen, key=lambda one: one[1])
    best = torch.load(tmp_path / "checkpoints" / "best.ckpt", weights_only=True)
    assert [one[0] for one in scores.seen] == [3, 6] and best["global_step"] == step
    assert trainer.checkpoint_callback.score == least
