import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from sr.loss.psnr import negative_psnr


def test_is_the_mean_of_skimages_for_each_image(pair):
    sr, hr = (image.double() for image in pair)
    sr = torch.stack([sr[0], 0.5 * sr[1] + 0.5 * hr[1]])  # one much better than the other
    expected = [peak_signal_noise_ratio(h.numpy(), s.numpy(), data_range=1) for s, h in zip(sr, hr, strict=True)]
    assert expected[1] - expected[0] > 3
    assert negative_psnr(sr, hr).item() == pytest.approx(-sum(expected) / 2, abs=1e-3)
    assert negative_psnr(hr, hr).item() == pytest.approx(-80)
