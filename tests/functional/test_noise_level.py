"""Noise levels against the formulas of the papers, written out once more."""

import math

import numpy as np
import pytest
import torch

from sr.errors import InputError
from sr.functional.noise_level import Preserving, Shifting

TIMES = torch.linspace(0.01, 1, 37)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_variance_is_preserved_and_noise_grows(schedule):
    level = Preserving(schedule).at(TIMES)
    assert torch.allclose(level.signal**2 + level.noise**2, torch.ones(37, dtype=torch.float64))
    assert (level.noise.diff() >= 0).all() and level.noise[-1] > 0.999


def test_linear_is_the_product_of_the_betas_of_sr3():
    """2000 betas from 1e-6 to 0.01; a product of many small steps is the exponential of their integral."""
    kept = np.cumprod(1 - np.linspace(1e-6, 0.01, 2000))
    level = Preserving("linear").at(torch.arange(1, 2001) / 2000)
    assert np.abs(level.signal.square().numpy() / kept - 1).max() < 0.05 and kept[-1] < 1e-4
    assert abs(level.signal[999].item() ** 2 / kept[999] - 1) < 0.005


def test_cosine():
    expected = np.cos(TIMES.double().numpy() * math.pi / 2) ** 2  # Nichol and Dhariwal, equation 17 with s = 0
    assert np.abs(Preserving("cosine").at(TIMES).signal.square().numpy() - expected).max() < 1e-5


def test_the_shifting_sequence_of_resshift():
    """Equation 10, for each t from 1 to 15."""
    kappa, power, steps, last = 2.0, 0.3, 15, 0.999
    first = min(0.04 / kappa, math.sqrt(0.001)) ** 2
    base = math.exp(math.log(last / first) / (2 * (steps - 1)))
    roots = [math.sqrt(first) * base ** (((t - 1) / (steps - 1)) ** power * (steps - 1)) for t in range(1, steps + 1)]
    levels = Shifting(kappa=kappa, power=power, train_steps=steps, smallest=math.sqrt(first))
    found = levels.at(levels.steps(15)).noise / kappa
    assert np.allclose(found.flip(0).numpy(), roots, rtol=1e-9)
    assert levels.at(torch.zeros(1)).signal.item() == pytest.approx(1 - first) and roots[-1] ** 2 == pytest.approx(last)


def test_trained_times_are_those_of_the_steps():
    levels = Shifting(kappa=2.0, power=0.3, train_steps=15, smallest=0.02)
    drawn = levels.drawn(torch.linspace(0, 0.9999, 300, dtype=torch.float64))
    assert set(drawn.unique().tolist()) == set(levels.steps(15).tolist()) == {t / 14 for t in range(15)}
    assert set(levels.steps(4).tolist()) <= set(drawn.tolist()) and levels.steps(4)[0] == 1 and levels.steps(4)[-1] == 0
    assert levels.steps(1).tolist() == [1.0]


def test_an_unknown_schedule():
    with pytest.raises(InputError, match="^network.schedule=sigmoid: choose one of cosine, linear$"):
        Preserving("sigmoid")
