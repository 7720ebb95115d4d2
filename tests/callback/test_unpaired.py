"""Unpaired training that goes wrong is told in one line, from real short runs."""

import warnings

import pytest
import pytorch_lightning as pl
import torch

from sr.model.degradation_gan import watched
from tests.unpaired import fit

WORDS = ("callback=[checkpoint,unpaired]", "callback.unpaired.every_n_steps=2", "callback.unpaired.patience=1", "scale=1")


class Broken(pl.Callback):
    """Replaces what a part makes of its images."""

    def __init__(self, part, change):
        self.part, self.change = part, change

    def on_train_start(self, trainer, module):
        getattr(module, self.part).register_forward_hook(lambda _, given, made: self.change(made))


def said(folder, model, *words, watch=None):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(model, folder, "run", *WORDS, *words, watch=watch)
    lines = [str(warning.message) for warning in caught]
    return [line for line in lines if any(word in line for word in ("collapses", "colours of"))]


def swapped(image):
    """Red is blue and blue is red."""
    return image.flip(1)


@pytest.mark.medium
@pytest.mark.parametrize(
    "part, change, start",
    [
        (
            "degrader",
            lambda image: 0 * image + image.mean((0, 2, 3), keepdim=True),
            "step 2: the degrader collapses: its images",
        ),
        ("network", lambda image: 0.2 * image + 0.8 * image.mean(0, keepdim=True), "step 2: the network collapses: its images"),
        ("degrader", swapped, "step 2: colours of degraded HR are off by "),
        ("network", swapped, "step 2: colours of SR are off by "),
        ("degrader", lambda image: 1 - image, "step 2: the cycle of LR collapses: LR, enlarged and degraded, is "),
    ],
)
def test_each_fault_is_told_once(tmp_path, part, change, start):
    words = ("callback.unpaired.cast=0.03",)
    lines = said(tmp_path, "cyclegan_sr", *words, watch=Broken(part, change))
    mine = [line for line in lines if line.startswith(start)]
    assert len(mine) == 1 and "\n" not in mine[0]
    kind = start.split(": ")[1].split(" are")[0].split(",")[0]
    assert len([line for line in lines if kind in line]) == 1  # once, though it stays so for six steps


class Untouched(pl.Callback):
    """The network begins with SR that is LR."""

    def on_train_start(self, trainer, module):
        torch.nn.init.zeros_(module.network.body[-1].weight)
        torch.nn.init.zeros_(module.network.body[-1].bias)


@pytest.mark.medium
def test_a_run_without_faults_says_nothing(tmp_path):
    assert said(tmp_path, "cyclegan_sr", "optimizer.lr=1e-4", watch=Untouched()) == []


def test_what_is_watched():
    given = torch.rand(4, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    assert {name: round(float(value), 5) for name, value in watched("x", given, given).items()} == {"x_spread": 1, "x_cast": 0}
    half = given.mean(0, keepdim=True) + (given - given.mean(0, keepdim=True)) / 2
    assert watched("x", given, half)["x_spread"] == pytest.approx(0.5)
    tinted = given + torch.tensor([0.0, 0.1, -0.2]).view(1, 3, 1, 1)
    assert watched("x", given, tinted)["x_cast"] == pytest.approx(0.2, abs=1e-6)
    assert watched("x", given[:1], 0 * given[:1])["x_spread"] == 0
