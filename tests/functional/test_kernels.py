import numpy as np
import pytest
from scipy import stats

from sr.functional import kernels


@pytest.mark.parametrize(("sigma_x", "sigma_y", "theta"), [(1.0, 1.0, 0.0), (0.4, 2.5, 0.7), (3.0, 1.2, -2.0)])
def test_gaussian_is_the_normal_distributions_density(sigma_x, sigma_y, theta):
    turn = np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])
    density = stats.multivariate_normal([0, 0], turn @ np.diag([sigma_x**2, sigma_y**2]) @ turn.T)
    y, x = np.mgrid[-10:11, -10:11]
    expected = density.pdf(np.stack([x, y], -1))
    made = kernels.gaussian(21, sigma_x, sigma_y, theta)
    np.testing.assert_allclose(made, expected / expected.sum(), atol=1e-12)


def test_generalised_gaussian_and_plateau_change_shape_with_beta():
    heavy, flat = kernels.gaussian(21, 2, 2, 0, beta=0.5), kernels.gaussian(21, 2, 2, 0, beta=4)
    line = flat[10, 10:]
    np.testing.assert_allclose(line / line[0], np.exp(-0.5 * (np.arange(11) ** 2 / 4) ** 4), atol=1e-12)
    assert heavy[10, 20] / heavy[10, 10] > 0.05 > 1e-9 > flat[10, 20] / flat[10, 10]
    line = kernels.plateau(21, 2, 2, 0, 1.5)[10, 10:]
    np.testing.assert_allclose(line / line[0], 1 / (1 + (np.arange(11) ** 2 / 4) ** 1.5), atol=1e-12)


@pytest.mark.parametrize("cutoff", [np.pi / 3, np.pi / 2, 2.5])
def test_sinc_passes_low_frequencies_alone(cutoff):
    """The amplitude falls through a half at the cut-off; a kernel of 101 pixels is nearly ideal."""
    response = np.abs(np.fft.fft2(kernels.sinc(101, cutoff), (512, 512)))[0, :256]
    frequency = np.arange(256) / 512 * 2 * np.pi
    assert np.abs(response[frequency < cutoff - 0.15] - 1).max() < 0.15
    assert response[frequency > cutoff + 0.15].max() < 0.15
    assert response[np.abs(frequency - cutoff).argmin()] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("make", [
    lambda: kernels.gaussian(21, 1.7, 1.7, 0),
    lambda: kernels.gaussian(21, 0.5, 3.0, 0.8),
    lambda: kernels.gaussian(15, 1.5, 1.5, 0, beta=3),
    lambda: kernels.plateau(21, 0.7, 2.5, 2.0, 1.8),
    lambda: kernels.sinc(21, 1.3),
])  # fmt: skip
def test_separated_kernels_sum_to_the_kernel(make):
    kernel = make()
    trimmed = kernels.trimmed(kernel)
    down, along = kernels.separated(trimmed)
    made = np.pad(down.T @ along, (len(kernel) - len(trimmed)) // 2)
    assert np.abs(made - kernel).sum() < 2e-3 and made.sum() == pytest.approx(1, abs=1e-9)


def test_an_isotropic_gaussian_is_one_term():
    assert len(kernels.separated(kernels.gaussian(21, 2, 2, 0.3))[0]) == 1
    assert len(kernels.trimmed(kernels.gaussian(21, 0.3, 0.3, 0))) == 3
