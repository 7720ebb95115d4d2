"""Scores computed in bands are the whole image's, of any size."""

import pytest
import torch

from sr.metric.local import BAND
from sr.metric.psnr import PSNR
from sr.metric.ssim import SSIM


@pytest.mark.parametrize("kind", [PSNR, SSIM])
@pytest.mark.parametrize("channel", ["y", "rgb"])
@pytest.mark.parametrize("size", [(700, 500), (11, BAND), (BAND // 8, 15), (1023, 257)])
def test_bands_give_the_score_of_the_whole(kind, channel, size):
    generator = torch.Generator().manual_seed(0)
    sr, hr = (torch.rand(2, 3, *size, generator=generator) for _ in range(2))
    sr[:, :, : size[0] // 3] = hr[:, :, : size[0] // 3]  # a mean of bands that differ
    metric = kind(crop_border=0, channel=channel)
    whole = metric.score(metric.prepare(sr), metric.prepare(hr))
    assert len(list(metric._bands(sr, hr))) > 1 or size[0] == metric.window
    torch.testing.assert_close(metric(sr, hr), whole, rtol=1e-12, atol=0)
