"""Warnings in plain words, from real short runs."""

import warnings

import pytest

from tests.model.gan_job import fit

WATCH = ("callback=[checkpoint,watch]", "callback.watch.patience=2")


def said(folder, *options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(folder, *WATCH, *options)
    return [
        str(warning.message) for warning in caught if "colours drift" in str(warning.message) or "wins" in str(warning.message)
    ]


def test_a_discriminator_that_wins_is_told_once(tmp_path):
    """Any loss counts as won here; the network, which has only begun, has the colours of no image yet."""
    lines = said(tmp_path, "callback.watch.discriminator_loss=100", "callback.watch.colour_drift=10")
    assert len(lines) == 1
    assert lines[0].startswith("step 2: the discriminator wins: its loss was below 100") and "\n" not in lines[0]


def test_colours_that_drift_are_told_at_each_validation(tmp_path):
    lines = said(tmp_path)
    assert [line.split(":")[0] for line in lines] == ["step 3", "step 6"]
    assert all("colours drift" in line and "(red)" in line and "\n" not in line for line in lines)


@pytest.mark.parametrize("criterion", ["wgan_gp", "ragan"])
def test_nothing_is_said_where_nothing_is_wrong(tmp_path, criterion):
    """Wasserstein's loss has no bound that means victory."""
    limit = 100 if criterion == "wgan_gp" else 0.02
    assert not said(
        tmp_path, f"adversarial={criterion}", f"callback.watch.discriminator_loss={limit}", "callback.watch.colour_drift=10"
    )
