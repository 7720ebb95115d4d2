"""Stages of pipelines, each beside a formula or a library that is not ours."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage, stats

from sr.degradation.gaussian import Gaussian
from sr.degradation.kernel import FAMILIES, Kernel
from sr.degradation.mixture import Mixture
from sr.degradation.noise import Noise
from sr.degradation.poisson import Poisson
from sr.degradation.resize import Resize
from sr.degradation.sharpen import Sharpen
from sr.degradation.shuffle import Shuffle
from sr.degradation.skip import Skip
from sr.degradation.webp import WebP
from sr.functional.draws import Draws

N = 20_000


def draws(count: int = N) -> Draws:
    return Draws(0, 0, count, "test")


def made(stage, image: torch.Tensor, start: int = 0) -> torch.Tensor:
    return stage(image, stage.sample(Draws(0, start, len(image), "test")))


def test_sharpening_is_unsharp_masking_by_scipys_gaussian(photo):
    """BasicSR's USMSharp: weight 0.5, threshold 10, a Gaussian of 51 taps and sigma 8."""
    image = photo[0].double().numpy()

    def blurred(x: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(x, 8.0, axes=(1, 2), radius=25, mode="reflect")

    residual = image - blurred(image)
    mask = blurred((np.abs(residual) * 255 > 10).astype(np.float64))
    expected = mask * np.clip(image + 0.5 * residual, 0, 1) + (1 - mask) * image
    error = np.abs(made(Sharpen(), photo)[0].numpy() - expected) * 255
    assert np.abs(expected - image).mean() * 255 > 2 and error.mean() < 0.05 and error.max() < 1


def test_families_are_as_likely_as_they_are_said_to_be():
    families = {"iso": 3, "aniso": 1, "sinc": 1}
    p = Kernel((9, 13), families, sigma=(0.5, 2.0)).sample(draws())
    for name, weight in families.items():
        assert (p["family"] == FAMILIES.index(name)).mean() == pytest.approx(weight / 5, abs=0.01)
    iso = p["family"] == 0
    assert (p["sigma_x"] == p["sigma_y"])[iso].all() and not (p["sigma_x"] == p["sigma_y"])[~iso].any()
    assert set(p["size"]) == {9, 11, 13} and stats.kstest(p["sigma_x"], stats.uniform(0.5, 1.5).cdf).pvalue > 1e-3
    assert p["cutoff"][p["size"] < 13].min() > np.pi / 3 - 1e-9 > np.pi / 5 + 0.01 > p["cutoff"].min()
    variance = Kernel((9, 13), {"aniso": 1.0}, (0.01, 2.0), variance=True).sample(draws())["sigma_x"] ** 2
    assert stats.kstest(variance, stats.uniform(1e-4, 4).cdf).pvalue > 1e-3


def test_resize_factors_are_uniform_on_either_side_of_one():
    factor = Resize(0.2, 0.7, 0.1, (0.15, 1.5)).sample(draws())["factor"]
    up, down = factor[factor > 1], factor[factor < 1]
    assert len(up) / N == pytest.approx(0.2, abs=0.01) and len(down) / N == pytest.approx(0.7, abs=0.01)
    assert stats.kstest(up, stats.uniform(1, 0.5).cdf).pvalue > 1e-3
    assert stats.kstest(down, stats.uniform(0.15, 0.85).cdf).pvalue > 1e-3
    times = 1 / Resize(0, 1, 0, (0.125, 1), inverse=True).sample(draws())["factor"]
    assert stats.kstest(times, stats.uniform(1, 7).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("levels", "photons"), [(200, 256), (100, 128), (5, 8)])
def test_poisson_noise_counts_photons_as_basicsr_does(levels, photons):
    """2 ** ceil(log2(number of different levels)), of gray and of colour."""
    image = (torch.arange(250 * 250) % levels + 20).view(1, 1, 250, 250).expand(-1, 3, -1, -1) / 255
    noise = Noise(poisson_strength=(1.0, 1.0), poisson_probability=1.0, gray_probability=0.0, photons=None)
    added = (made(noise, image) - image).double()
    expected = image.mean().item() / photons
    assert added.var().item() == pytest.approx(expected, rel=0.03) and abs(added.mean()) < 1e-3


@pytest.mark.parametrize(("kind", "correlation"), [(0, 0.0), (1, 1.0)])
def test_bsrgans_gaussian_noise(kind, correlation):
    kinds = [0.0, 0.0, 0.0]
    kinds[kind] = 1.0
    image = torch.full((1, 3, 200, 200), 0.5)
    added = (made(Gaussian((10, 10), kinds), image) - image)[0].flatten(1).numpy()
    assert added.std() * 255 == pytest.approx(10, rel=0.02)
    assert np.corrcoef(added)[0, 1] == pytest.approx(correlation, abs=0.02)


def test_correlated_noise_has_its_covariance():
    stage, image = Gaussian((2, 25), (0, 0, 1)), torch.full((1, 3, 300, 300), 0.5)
    p = stage.sample(Draws(0, 1, 1, "test"))
    added = (stage(image, p) - image)[0].flatten(1).numpy()
    np.testing.assert_allclose(np.cov(added), p["mix"][0] @ p["mix"][0].T, atol=2e-4)
    turns = stage.sample(draws(2000))["mix"]
    assert np.diagonal(turns @ turns.transpose(0, 2, 1), axis1=1, axis2=2).max() <= (25 / 255) ** 2 * 1.01


def test_speckle_is_noise_times_the_image():
    image = torch.cat([torch.full((1, 3, 100, 100), value) for value in (0.0, 0.25, 0.5)])
    added = (Gaussian((20, 20), (1, 0, 0), speckle=True)(image, one_for_all(Gaussian((20, 20), (1, 0, 0)), 3)) - image) * 255
    assert added[0].abs().max() == 0
    assert added[2].std().item() == pytest.approx(2 * added[1].std().item(), rel=0.02)


def one_for_all(stage, count: int) -> dict[str, np.ndarray]:
    return {name: np.repeat(value, count, axis=0) for name, value in stage.sample(draws(1)).items()}


def test_bsrgans_poisson_noise():
    stage, image = Poisson((400, 400), gray_probability=0.0), torch.full((1, 3, 200, 200), 0.5)
    added = (made(stage, image) - image).double()
    assert added.var().item() == pytest.approx(0.5 / 400, rel=0.03)
    assert stats.kstest(np.log10(Poisson().sample(draws())["photons"]), stats.uniform(2, 2).cdf).pvalue > 1e-3


def test_webp_is_pillows(patches):
    quality = np.array([0, 20, 50, 80, 100])
    lr = WebP()(patches, {"quality": quality})
    for image, q, found in zip(patches, quality.tolist(), lr, strict=True):
        file = io.BytesIO()
        Image.fromarray((image * 255).byte().permute(1, 2, 0).numpy()).save(file, "WEBP", quality=q, method=0)
        assert torch.equal((found * 255).round(), torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).float())


def test_orders_are_equally_likely_and_keep_what_is_in_order():
    stages = {name: WebP() for name in "abcd"}
    order = Shuffle(stages, in_order=["b", "d"]).sample(draws())["order"]
    found, count = np.unique(order, axis=0, return_counts=True)
    assert len(found) == 12 and count.min() / N > 0.07  # of 24 orders the half
    place = np.argsort(order, axis=1)
    assert (place[:, 1] < place[:, 3]).all()
    still = Shuffle(stages, probability=0.1, together=[["b", "c"]]).sample(draws())["order"]
    shares = {name: (still == [list("abcd").index(c) for c in name]).all(1).mean() for name in ("abcd", "acbd", "dcba")}
    assert shares["abcd"] == pytest.approx(0.45 + 0.1 / 24, abs=0.015) == shares["acbd"]
    assert shares["dcba"] == pytest.approx(0.1 / 24, abs=0.002)


def test_skips_and_mixtures_are_as_likely_as_they_are_said_to_be(patches):
    skip, mixture = Skip(WebP((10, 10)), 0.3), Mixture({"a": WebP((0, 0)), "b": WebP((99, 99))}, {"a": 1, "b": 3})
    assert skip.sample(draws())["skipped"].mean() == pytest.approx(0.3, abs=0.01)
    assert mixture.sample(draws())["choice"].mean() == pytest.approx(0.75, abs=0.01)
    p = {"skipped": np.array([True, False, True, False, False]), "stage.quality": np.full(5, 10)}
    lr = skip(patches, p)
    assert [torch.equal(a, b) for a, b in zip(lr, patches, strict=True)] == p["skipped"].tolist()
    p = {"choice": np.array([0, 1, 0, 1, 1]), "a.quality": np.zeros(5, int), "b.quality": np.full(5, 99)}
    error = (mixture(patches, p) - patches).abs().mean((1, 2, 3))
    assert error[[0, 2]].min() > 2 * error[[1, 3, 4]].max()
