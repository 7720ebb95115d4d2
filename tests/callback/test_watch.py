"""Warnings in plain words, from real short runs."""

import warnings

import pytest
import pytorch_lightning as pl

from tests.model.gan_job import fit

WATCH = ("callback=[checkpoint,watch]", "callback.watch.patience=2")


class Cast(pl.Callback):
    """Takes 25 grey levels of red from everything before the second validation."""

    def on_validation_start(self, trainer, pl_module):
        if trainer.global_step == 6:
            pl_module.network.conv_last.bias.data[0] -= 0.1


def said(folder, *options, watch=None):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(folder, *WATCH, *options, watch=watch)
    return [
        str(warning.message) for warning in caught if "colours drift" in str(warning.message) or "wins" in str(warning.message)
    ]


def test_a_discriminator_that_wins_is_told_once(tmp_path):
    """Any loss counts as won here."""
    lines = said(tmp_path, "callback.watch.discriminator_loss=100")
    assert len(lines) == 1
    assert lines[0].startswith("step 2: the discriminator has won: its loss was below 100") and "\n" not in lines[0]


def test_colours_that_drift_are_told(tmp_path):
    lines = said(tmp_path, "model.ema=null", "optimizer.lr=0", watch=Cast())
    assert len(lines) == 1 and "\n" not in lines[0]
    assert lines[0].startswith("step 6: colours drift") and "(red)" in lines[0]


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


def test_a_gan_that_starts_from_nothing_is_told_and_trains(tmp_path):
    (line,) = starts(tmp_path / "first")
    assert "init_from=FILE" in line and "model.pretrain_steps" in line and "\n" not in line
    last = tmp_path / "first" / "checkpoints" / "last.ckpt"
    assert last.is_file()
    assert not starts(tmp_path / "second", f"init_from={last}")
    assert not starts(tmp_path / "third", "model.pretrain_steps=1")
