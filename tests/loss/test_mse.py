import pytest
from skimage.metrics import mean_squared_error

from sr.loss.mse import mse


def test_equals_skimage(pair):
    sr, hr = (image.double().numpy() for image in pair)
    assert mse(*pair).item() == pytest.approx(mean_squared_error(sr, hr), rel=1e-6)
