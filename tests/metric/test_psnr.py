import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from sr.errors import InputError
from sr.metric.psnr import PSNR, psnr


@pytest.mark.parametrize("channel", ["y", "rgb"])
def test_equals_skimage(pair, channel):
    metric = PSNR(crop_border=2, channel=channel)
    sr, hr = (metric.prepare(image).numpy() for image in pair)
    theirs = [peak_signal_noise_ratio(b, a, data_range=255) for a, b in zip(sr, hr, strict=True)]
    assert metric(*pair).tolist() == pytest.approx(theirs, abs=1e-9)


def test_one_level_is_48_db():
    """20 log10(255): the figure that everyone knows by heart."""
    assert psnr(torch.ones((), dtype=torch.float64)).item() == pytest.approx(48.1308, abs=1e-4)


def test_a_perfect_image_leaves_the_mean_finite(pair):
    sr, hr = pair
    assert PSNR(crop_border=2)(torch.cat([sr[:1], hr[1:]]), hr)[1] == 100


def test_nan_is_not_hidden(pair):
    sr = pair[0].clone()
    sr[0, 0, 50, 50] = float("nan")
    assert PSNR(crop_border=2)(sr, pair[1]).isnan().tolist() == [True, False]


def test_the_border_of_div2k(pair):
    """calc_psnr of yinboc/liif at x2, "div2k": scale + 6 pixels on each side."""
    sr, hr = ((image * 255).round().clamp(0, 255) for image in pair)
    theirs = [
        peak_signal_noise_ratio(*(x[..., 8:-8, 8:-8].double().numpy() for x in both), data_range=255)
        for both in zip(hr, sr, strict=True)
    ]
    metric = PSNR(crop_border=2, further_border=6, channel="rgb")
    assert metric(*pair).tolist() == pytest.approx(theirs, abs=1e-6) and metric.crop_border == 8
    with pytest.raises(InputError, match="further_border must be 0 or more, not -1"):
        PSNR(crop_border=2, further_border=-1)
