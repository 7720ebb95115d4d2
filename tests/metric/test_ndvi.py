"""NDVI on real spectra against the formula in NumPy; closed cases; kinds without red and near infrared."""

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from sr.build.node import build
from sr.cli import CONF
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image.kind import PHOTO, Kind
from sr.metric.base import scored
from sr.metric.ndvi import NDVI
from tests.image.geotiffs import SENTINEL2, samples

NAMES = {"red": ["red", "rededge071"], "infrared": ["nir", "nir08"]}


def kind(name: str) -> Kind:
    return build(OmegaConf.load(CONF / "image" / f"{name}.yaml"))


def test_equals_the_formula_on_a_sentinel_2_tile():
    hr = torch.from_numpy(samples(SENTINEL2).astype(np.float64) / 10000).permute(2, 0, 1)[None].float()
    sr = imresize(imresize(hr, 1 / 2, rounding=10000), 2, rounding=10000)
    with pytest.warns(match="^ndvi: image=sentinel2 has no band red, so its index is that of rededge071$"):
        metric = NDVI(kind=kind("sentinel2"), **NAMES, crop_border=2, levels=10000)
    (red, infrared), (their_red, their_infrared) = (image[0, [0, 3], 2:-2, 2:-2].double().numpy() for image in (sr, hr))
    expected = np.abs((infrared - red) / (infrared + red) - (their_infrared - their_red) / (their_infrared + their_red)).mean()
    assert metric(sr, hr).item() == pytest.approx(expected, rel=1e-6) and expected > 1e-3
    assert metric(hr, hr).item() == 0 and not metric.higher_is_better and metric.scores_hr
    mask = torch.zeros(1, 1, *hr.shape[-2:], dtype=torch.bool)
    mask[..., 20:] = True
    half = metric(sr[..., 18:], hr[..., 18:]).item()  # its border of 2 is cut
    assert scored(metric, sr, hr, mask=mask).item() == pytest.approx(half, rel=1e-6)


def test_leaves_water_and_nothing_on_landsat_8():
    metric = NDVI(kind=kind("landsat8"), **NAMES, levels=50000)
    leaves, water, nothing = torch.zeros(3, 6, 8, 8)
    leaves[[2, 3]] = torch.tensor([0.05, 0.45])[:, None, None]  # NDVI 0.8
    water[[2, 3]] = torch.tensor([0.06, 0.02])[:, None, None]  # -0.5
    score = metric(torch.stack([water, water, nothing, nothing]), torch.stack([leaves, water, leaves, nothing]))
    assert score.tolist() == pytest.approx([1.3, 0, 0.8, 0])


def test_kinds_without_red_and_infrared_are_refused():
    with pytest.raises(
        InputError, match=r"^metric=ndvi needs a band nir or nir08, but image=photo does not name its bands \(image\.names\)$"
    ):
        NDVI(kind=PHOTO, **NAMES)
    rgb = Kind("rgb", 3, "uint8", (0, 255), 255, False, (0, 1, 2), names=["red", "green", "blue"])
    with pytest.raises(InputError, match="^metric=ndvi needs a band nir or nir08, but image=rgb has red, green, blue$"):
        NDVI(kind=rgb, **NAMES)
    four = Kind("four", 4, "uint8", (0, 255), 255, False, (0,), names=rgb.names)
    with pytest.raises(
        InputError, match=r"^image\.names=\['red', 'green', 'blue'\]: image=four has 4 bands: pass their names$"
    ):
        NDVI(kind=four, **NAMES)
