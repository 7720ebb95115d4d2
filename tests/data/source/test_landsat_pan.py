"""Real pairs of Landsat 8: LR on the grid of the panchromatic band, by weights fitted on training tiles alone."""

import numpy as np
import pytest
import rasterio

from sr.data.source.landsat_pan import LandsatPan, Pair, moved
from sr.errors import InputError, MissingError
from tests.image.geotiffs import LANDSAT8, PAN, SENTINEL2, cut, samples

SETTINGS = {"val": 0, "test": 0.3, "gap": 1}


def pooled(file):
    return samples(file).reshape(16, 2, 16, 2).mean((1, 3))


@pytest.fixture
def folders(tmp_path):
    cut(LANDSAT8, tmp_path / "low", 16)
    cut(PAN, tmp_path / "high", 32)
    return tmp_path / "low", tmp_path / "high", tmp_path / "cache"


def test_lr_covers_the_place_of_hr(folders, capsys):
    source = LandsatPan(*folders, **SETTINGS)
    source.prepare()
    assert " * band 1 + " in capsys.readouterr().out
    for hr, lr in source.files():
        with rasterio.open(hr) as high, rasterio.open(lr) as low:
            assert low.bounds == high.bounds and low.crs == high.crs and (low.width, low.height) == (16, 16)
            assert low.dtypes == ("uint16",) and low.count == 1
        assert samples(lr).mean() == pytest.approx(pooled(hr).mean(), abs=0.3)  # both are rounded
        assert abs(np.corrcoef(samples(lr).ravel(), pooled(hr).ravel())[0, 1]) > 0.6
    assert len(source.files()) == len(source.names()) == 3 and not source.validation()
    test = LandsatPan(*folders, part="test", **SETTINGS)
    assert len(test.files()) == 3 and test.fit == source.fit and not set(test.files()) & set(source.files())


def test_bands_are_moved_to_where_the_panchromatic_band_is():
    """The registration finds shifts that were made, from the place that the coordinates say: half a panchromatic pixel."""
    pair = Pair(PAN, LANDSAT8, [0, 1, 2])
    assert pair.offset == (-0.25, -0.25) and pair.pooled.shape == (48, 48)
    weights = np.array([0.4, 0.1, 0.5])
    for shift in ((-0.6, 0.1), (0.3, -0.9)):
        pair.pooled = moved(pair.bands, (48, 48), shift) @ weights
        assert np.allclose(pair.registered(weights), shift, atol=0.02)


def test_real_bands_correlate_better_after_registration():
    pair, weights = Pair(PAN, LANDSAT8, [0, 1, 2]), np.array([0.4, 0.1, 0.5])

    def correlation(offset):
        return np.corrcoef((pair.moved(offset) @ weights)[2:-2, 2:-2].ravel(), pair.pooled[2:-2, 2:-2].ravel())[0, 1]

    assert correlation(pair.registered(weights)) > correlation(pair.offset) + 0.01 and correlation((0, 0)) < 0.95


def test_what_is_refused(folders):
    low, high, cache = folders
    next(low.iterdir()).unlink()
    with pytest.raises(MissingError, match="^no partner for .*high/t_"):
        LandsatPan(*folders, **SETTINGS).files()
    for file in low.iterdir():
        file.unlink()
    cut(SENTINEL2, low, 16)
    with pytest.raises(InputError, match="low/t_0_0.tif does not cover the place of .*high/t_0_0.tif in pixels of twice"):
        LandsatPan(*folders, **SETTINGS).files()
