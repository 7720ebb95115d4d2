import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from sr.degradation.noise import Noise
from sr.functional.draws import Draws


def noise_of(noise: Noise, image: Tensor, start: int = 0) -> Tensor:
    """What is added, in 8-bit levels."""
    given = {k: torch.as_tensor(v) for k, v in noise.sample(Draws(0, start, len(image), "test")).items()}
    return (noise(image, given) - image) * 255


def test_gaussian():
    noise = Noise(sigma=(12.0, 12.0), poisson_probability=0.0, gray_probability=0.0)
    added = noise_of(noise, torch.full((1, 3, 100, 100), 0.5))
    assert stats.kstest(added.flatten().numpy(), stats.norm(0, 12).cdf).pvalue > 1e-3
    assert np.abs(np.corrcoef(added[0].flatten(1)) - np.eye(3)).max() < 0.05


@pytest.mark.parametrize("level", [5, 60, 255])
def test_poisson(level):
    noise = Noise(poisson_strength=(1.0, 1.0), poisson_probability=1.0, gray_probability=0.0)
    counts = (noise_of(noise, torch.full((1, 3, 100, 100), level / 255)) + level).round().int().flatten().numpy()
    expected = stats.poisson(level)
    assert counts.mean() == pytest.approx(level, abs=5 * np.sqrt(level / counts.size))
    values = np.arange(int(expected.ppf(0.001)), int(expected.ppf(0.999)))
    observed = np.array([(counts <= value).mean() for value in values])
    assert np.abs(observed - expected.cdf(values)).max() < 1.95 / np.sqrt(counts.size)  # Kolmogorov-Smirnov, 0.1 %


def test_poisson_strength_multiplies_the_noise(photo):
    one, two = (Noise(poisson_strength=(s, s), poisson_probability=1.0) for s in (1.0, 2.0))
    torch.testing.assert_close(noise_of(two, photo), 2 * noise_of(one, photo), rtol=0, atol=1e-3)


@pytest.mark.parametrize("poisson", [0.0, 1.0])
def test_gray_noise_is_the_same_in_all_channels(photo, poisson):
    added = noise_of(Noise(gray_probability=1.0, poisson_probability=poisson), photo)
    torch.testing.assert_close(added, added[:, :1].expand_as(added), rtol=0, atol=1e-3)
    assert added.std() > 0.1
    assert noise_of(Noise(gray_probability=0.5, poisson_probability=poisson), photo[:, :1]).shape[1] == 1


def test_samples_differ(patches):
    same = patches[:1].expand(5, -1, -1, -1)
    added = noise_of(Noise(sigma=(10.0, 10.0), poisson_probability=0.0), same)
    assert np.abs(np.corrcoef(added.flatten(1)) - np.eye(5)).max() < 0.1
    assert torch.equal(noise_of(Noise(), same[:2], start=3), noise_of(Noise(), same)[3:])


def test_sampled_ranges_and_probabilities():
    p = Noise(sigma=(2.0, 20.0), poisson_strength=(0.5, 2.5)).sample(Draws(0, 0, 20_000, "test"))
    gaussian, poisson = p["strength"][~p["poisson"]] * 255, p["strength"][p["poisson"]]
    assert gaussian.min() >= 1.999 and gaussian.max() <= 20.001 and gaussian.mean() == pytest.approx(11, abs=0.2)
    assert poisson.min() >= 0.5 and poisson.max() <= 2.5
    assert p["poisson"].mean() == pytest.approx(0.5, abs=0.02) and p["gray"].mean() == pytest.approx(0.4, abs=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sigma": (30.0, 1.0)}, "sigma must be"),
        ({"sigma": (-1.0, 1.0)}, "sigma must be"),
        ({"poisson_strength": (3.0, 0.1)}, "poisson_strength must be"),
        ({"gray_probability": -0.1}, "gray_probability must be a probability"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        Noise(**arguments)
