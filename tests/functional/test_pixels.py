"""Images in 0..255 are refused: PSNR clipped both to white, and any two scored 100 dB."""

import pytest
import torch

from sr.errors import UserError
from sr.image.photograph import photograph
from sr.infer.upscaler import upscale
from sr.metric.psnr import PSNR
from sr.metric.ssim import SSIM
from sr.network.interpolation import Interpolation


@pytest.mark.parametrize("metric", [PSNR, SSIM])
@pytest.mark.parametrize(("convert", "says"), [(lambda x: x, "reaches 2"), (lambda x: x.round().byte(), "is torch.uint8")])
def test_metrics_take_no_pixels_from_0_to_255(metric, convert, says):
    hr = photograph(32)
    measure, other = metric(crop_border=2), (hr + 0.2).clamp(0, 1)
    assert measure(other, hr).item() < 30
    for sr in (convert(other * 255), other):
        with pytest.raises(UserError, match=rf"^hr {says}.* 255"):
            measure(sr, convert(hr * 255))
    assert measure(other * 255 + 300, hr).item() < 30  # a network that is not trained


def test_evaluation_measures_in_inference_mode():
    """Whose tensors have no count of changes; the same HR is asked for by several metrics."""
    with torch.inference_mode():
        hr = photograph(32) + 0
        assert hr.is_inference() and PSNR(crop_border=0)((hr + 0.2).clamp(0, 1), hr).item() < 30
        assert SSIM(crop_border=0)(hr, hr).item() == pytest.approx(1, abs=1e-4)
        with pytest.raises(UserError, match="^hr reaches 2"):
            PSNR(crop_border=0)(hr, hr * 255)


def test_upscale_takes_none_either_and_what_a_network_overshoots_is_fine():
    network, lr = Interpolation(scale=2).eval(), photograph(16)
    for wrong in (lr * 255, (lr * 65535).round(), (lr * 255).byte()):
        with pytest.raises(UserError, match="^lr (reaches|is torch.uint8).* 255"):
            upscale(network, wrong)
    assert upscale(network, lr * 3 - 1).shape == (1, 3, 32, 32)
    assert PSNR(crop_border=0)(lr * 3 - 1, lr).item() < 30
