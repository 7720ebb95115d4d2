import io

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from sr.degradation.jpeg import compressed
from sr.functional import jpeg


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[50:183, 60:211])  # of whole blocks on no side


def made(pixels: np.ndarray, quality: int) -> np.ndarray:
    image = torch.from_numpy(pixels).float().permute(2, 0, 1)[None]
    steps, cosines = torch.from_numpy(jpeg.tables(quality)), torch.from_numpy(jpeg.transform())
    return jpeg.compressed(image, steps, cosines)[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("quality", [10, 30, 50, 75, 95, 100])
def test_colour_is_libjpegs(pixels, quality):
    """Half a level on average, where JPEG itself changes 1 to 8."""
    file = compressed(pixels, quality).astype(np.float64)
    error, changed = np.abs(made(pixels, quality) - file).mean(), np.abs(file - pixels).mean()
    assert error < 0.7 and error < changed / 2


@pytest.mark.parametrize("quality", [10, 30, 50, 75, 95])
def test_gray_is_libjpegs_but_for_rounding(pixels, quality):
    gray = np.ascontiguousarray(pixels[..., 1])
    error = np.abs(made(gray[..., None], quality)[..., 0] - compressed(gray, quality))
    assert error.mean() < 0.3 and np.quantile(error, 0.95) <= 1


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 51, 90, 100])
def test_tables_are_libjpegs(pixels, quality):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    expected = [np.array(table).reshape(8, 8) for table in Image.open(file).quantization.values()]
    np.testing.assert_array_equal(jpeg.tables(quality), expected)
