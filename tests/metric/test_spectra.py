"""SAM, ERGAS, Q-index and consistency on real spectra, by formulas written once more; and pixels without data."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from sr.errors import InputError
from sr.functional.resize import imresize
from sr.metric.base import scored
from sr.metric.consistency import Consistency
from sr.metric.ergas import ERGAS
from sr.metric.psnr import PSNR
from sr.metric.q_index import QIndex
from sr.metric.sam import SAM
from sr.metric.ssim import SSIM
from tests.image.geotiffs import SENTINEL2, samples

LEVELS = 10000


@pytest.fixture(scope="module")
def spectra():
    """LR, bicubic's SR on the levels of the file, HR: six bands in [0, 1]."""
    hr = torch.from_numpy(samples(SENTINEL2).astype(np.float64) / LEVELS).permute(2, 0, 1)[None].float()
    lr = imresize(hr, 1 / 2, rounding=LEVELS)
    return lr, imresize(lr, 2, rounding=LEVELS), hr


def cut(spectra) -> list[np.ndarray]:
    """SR and HR (6, h, w) without their border."""
    return [image[0, :, 2:-2, 2:-2].double().numpy() for image in spectra[1:]]


def test_sam(spectra):
    sr, hr = cut(spectra)
    cosine = np.einsum("chw,chw->hw", sr, hr) / np.linalg.norm(sr, axis=0) / np.linalg.norm(hr, axis=0)
    expected = np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean()
    assert SAM(crop_border=2, levels=LEVELS)(*spectra[1:]).item() == pytest.approx(expected, rel=1e-6) and 0.1 < expected < 10
    with pytest.raises(InputError, match="SAM needs two bands"):
        SAM(crop_border=2)(*(image[:, :1] for image in spectra[1:]))
    dark = torch.zeros(1, 3, 8, 8)
    assert SAM(crop_border=0)(dark, dark).item() == 0 and SAM(crop_border=0)(dark, dark + 0.5).item() == 90


def test_ergas(spectra):
    sr, hr = cut(spectra)
    expected = 100 / 2 * np.sqrt((((sr - hr) ** 2).mean((1, 2)) / hr.mean((1, 2)) ** 2).mean())
    assert ERGAS(scale=2, crop_border=2, levels=LEVELS)(*spectra[1:]).item() == pytest.approx(expected, rel=1e-6)


def test_q_index(spectra):
    """By SciPy's Gaussian of the same radius, one band after the other."""

    def mean(image):
        return gaussian_filter(image, 1.5, radius=5)[5:-5, 5:-5]

    found = []
    for x, y in zip(*cut(spectra), strict=True):
        mx, my = mean(x), mean(y)
        vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
        found.append((4 * cov * mx * my / ((vx + vy) * (mx**2 + my**2))).mean())
    assert QIndex(crop_border=2, levels=LEVELS)(*spectra[1:]).item() == pytest.approx(np.mean(found), rel=1e-6)


def test_consistency(spectra):
    lr, sr, _ = spectra
    low, high = (image[0].double().numpy().mean((1, 2)) for image in (lr, sr))
    metric = Consistency(levels=LEVELS)
    score = scored(metric, sr, None, lr=lr).item()
    assert score == pytest.approx(100 * np.abs(high / low - 1).max(), abs=1e-5) and score < 0.5
    assert scored(metric, sr * 1.02, None, lr=lr).item() == pytest.approx(2, abs=0.3)
    with pytest.raises(InputError, match="compares SR with LR"):
        scored(metric, sr, None, lr=None)


@pytest.mark.parametrize("metric", [PSNR, SSIM, SAM, QIndex, ERGAS, nn.L1Loss], ids=lambda metric: metric.__name__)
def test_pixels_without_data_do_not_count(spectra, metric):
    """The left half has none: the score is that of the right half alone, and nothing on the left changes it."""
    sr, hr = (image.clone() for image in spectra[1:])
    mask = torch.ones_like(hr[:, :1], dtype=torch.bool)
    mask[..., :32] = False
    options = {"crop_border": 0, "levels": LEVELS} | ({"scale": 2} if metric is ERGAS else {})
    made = metric() if metric is nn.L1Loss else metric(**options)
    score = scored(made, sr, hr, mask=mask)
    sr[..., :32] = 0.9
    assert torch.equal(scored(made, sr, hr, mask=mask), score)
    right = scored(made, sr[..., 32:], hr[..., 32:])
    torch.testing.assert_close(score, right / 2 if metric is nn.L1Loss else right)
    assert scored(made, sr, hr) != score
