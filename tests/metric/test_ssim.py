import pytest
import torch

from sr.metric.ssim import SSIM


@pytest.mark.parametrize("channel", ["y", "rgb"])
def test_equals_kornia_valid(pair, channel):
    from kornia.metrics import ssim

    metric = SSIM(crop_border=2, channel=channel)
    sr, hr = (metric.prepare(image) for image in pair)
    theirs = ssim(sr, hr, 11, max_val=255.0, eps=0.0, padding="valid").mean(dim=(1, 2, 3))
    torch.testing.assert_close(metric(*pair), theirs, rtol=0, atol=1e-9)


def test_rgb_is_the_mean_of_the_channels(pair):
    metric = SSIM(crop_border=2, channel="rgb")
    channels = [metric(*(image[:, i : i + 1] for image in pair)) for i in range(3)]
    torch.testing.assert_close(metric(*pair), torch.stack(channels).mean(0))
