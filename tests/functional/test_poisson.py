import numpy as np
import pytest
import torch
from scipy import stats

from sr.functional import poisson


@pytest.mark.parametrize(("level", "photons"), [(0, 256), (3, 256), (100, 256), (255, 256), (128, 64), (255, 2)])
def test_counts_are_poisson_distributed(level, photons):
    generator = torch.Generator().manual_seed(1)
    noise = poisson.noise(torch.full((1, 200, 200), float(level)), photons, generator).numpy().ravel()
    mean = level / 255 * photons
    counts = np.rint(noise.astype(np.float64) * photons + mean)
    np.testing.assert_allclose((counts - mean) / photons, noise, atol=1e-6)
    expected = stats.poisson(mean)
    values = np.arange(int(expected.ppf(0.001)), int(expected.ppf(0.999)) + 1)
    found = np.array([(counts <= value).mean() for value in values])
    assert np.abs(found - expected.cdf(values)).max() < 1.95 / np.sqrt(counts.size) + 1 / 8192
    assert counts.var() == pytest.approx(mean, rel=0.05, abs=1e-9)
