"""Samplers against what is known exactly: images that are normally distributed, and the posteriors of the papers."""

import math

import numpy as np
import pytest
import torch

from sr.functional.denoising import PREDICTIONS, clean_of, sample, steps_of, target, weight
from sr.functional.noise_level import Preserving, Shifting

MEAN, STD = 0.3, 0.5  # of the images
LEVELS = {
    "cosine": Preserving("cosine"),
    "linear": Preserving("linear"),
    "resshift": Shifting(kappa=2.0, power=1.0, train_steps=None, smallest=0.01),
}


def sampled(kind: str, sampler: str, count: int, start: torch.Tensor) -> torch.Tensor:
    """From `start` by the exact denoiser E[clean | z] of such images."""
    levels = LEVELS[kind].at(LEVELS[kind].steps(count))
    steps = steps_of(levels, LEVELS[kind].kept)

    def denoised(z: torch.Tensor, number: int) -> torch.Tensor:
        step = steps[number]
        gain = step.signal * STD**2 / (step.signal**2 * STD**2 + step.noise**2)
        return MEAN + gain * (z - step.signal * MEAN)

    generator = torch.Generator().manual_seed(1)
    noise = iter([start, *(torch.randn(start.shape, generator=generator, dtype=start.dtype) for _ in range(count))])
    return sample(sampler, steps, denoised, noise)


def exact(kind: str, count: int, start: torch.Tensor) -> torch.Tensor:
    """Where the probability flow leads: it moves quantiles onto quantiles. To the level of the last step, then E[clean | z]."""
    levels = LEVELS[kind].at(LEVELS[kind].steps(count))
    (first, last), (noisiest, least) = levels.signal[[0, -1]].tolist(), levels.noise[[0, -1]].tolist()

    def spread(signal: float, noise: float) -> float:
        return math.sqrt(signal**2 * STD**2 + noise**2)

    z = last * MEAN + (noisiest * start - first * MEAN) / spread(first, noisiest) * spread(last, least)
    return MEAN + last * STD**2 / spread(last, least) ** 2 * (z - last * MEAN)


@pytest.mark.parametrize("kind", LEVELS)
def test_the_order_of_the_solvers(kind):
    """Twice the steps: half the error by DDIM, less than a third by DPM-Solver++(2M), which has far less of it."""
    start = torch.linspace(-2, 2, 41, dtype=torch.float64)
    errors = {
        sampler: [(sampled(kind, sampler, count, start) - exact(kind, count, start)).abs().max().item() for count in (160, 320)]
        for sampler in ("ddim", "dpm_solver")
    }
    (one, two), (three, four) = errors.values()
    assert 1.8 < one / two < 2.2 and three / four > 3 and four < two / 5


@pytest.mark.parametrize("kind", LEVELS)
def test_ddpm_gives_the_distribution_of_the_images(kind):
    start = torch.randn(20_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = sampled(kind, "ddpm", 200, start)
    assert found.mean().item() == pytest.approx(MEAN, abs=0.02) and found.std().item() == pytest.approx(STD, rel=0.04)
    again = torch.corrcoef(torch.stack([start, found]))[0, 1].item()
    assert abs(again) < 0.5  # unlike DDIM's, the result does not only depend on the start


def test_the_noise_of_ddpm_is_that_of_the_papers():
    """Ho et al., equation 7, and ResShift, equation 6."""
    levels = LEVELS["cosine"].at(LEVELS["cosine"].steps(10))
    kept = levels.signal.square()
    for number, step in enumerate(steps_of(levels, LEVELS["cosine"].kept)[:-1]):
        beta = 1 - kept[number] / kept[number + 1]
        assert step.fresh**2 == pytest.approx(((1 - kept[number + 1]) / (1 - kept[number]) * beta).item())
    levels = LEVELS["resshift"].at(LEVELS["resshift"].steps(15))
    etas = (1 - levels.signal).tolist()
    for number, step in enumerate(steps_of(levels, LEVELS["resshift"].kept)[:-1]):
        eta, following = etas[number], etas[number + 1]
        assert step.fresh**2 == pytest.approx(4 * following * (eta - following) / eta, rel=1e-6)
        z, clean = 0.7, -0.2  # x_t - y and x_0 - y; the mean of the posterior is linear in both
        direction = math.sqrt(step.next_noise**2 - step.fresh**2) / step.noise
        mean = step.next_signal * clean + direction * (z - step.signal * clean)
        assert mean == pytest.approx(following / eta * z + (eta - following) / eta * clean, rel=1e-5)


@pytest.mark.parametrize("kind", LEVELS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_a_perfect_output_stands_for_the_image(kind, prediction):
    generator = torch.Generator().manual_seed(0)
    clean, eps = (torch.randn(5, 3, 4, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    level = LEVELS[kind].at(torch.linspace(0.1, 0.9, 5))
    level = type(level)(*(one.view(5, 1, 1, 1) for one in (level.signal, level.noise)))
    z = level.signal * clean + level.noise * eps
    torch.testing.assert_close(clean_of(prediction, target(prediction, clean, eps, level), z, level), clean)


def test_min_snr_weighs_the_error_of_the_image_alike_for_all_predictions():
    """An error of the output, as an error of the image, squared and times min(SNR, 5)."""
    level = LEVELS["cosine"].at(torch.linspace(0.05, 0.95, 9))
    z, output = torch.zeros(9, dtype=torch.float64), torch.zeros(9, dtype=torch.float64)
    for prediction in PREDICTIONS:
        moved = clean_of(prediction, output + 0.1, z, level) - clean_of(prediction, output, z, level)
        ours = weight(prediction, level.snr, 5.0) * 0.1**2
        np.testing.assert_allclose(ours.numpy(), (level.snr.clamp(max=5) * moved**2).numpy(), rtol=1e-6)
    assert weight("v", level.snr, None) == 1.0
