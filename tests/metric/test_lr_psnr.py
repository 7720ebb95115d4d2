"""LR-PSNR by its definition, on a photo."""

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from sr.data.source.sample import Sample
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image.file import read_rgb8, to_tensor
from sr.metric.base import scored
from sr.metric.lr_psnr import LRPSNR


@pytest.fixture(scope="module")
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    hr = to_tensor(np.ascontiguousarray(read_rgb8(Sample().files()[0][0])[:96, :128]))
    return imresize(hr, 1 / 4, rounding=True), hr


def test_hr_agrees_with_lr(pair):
    lr, hr = pair
    assert scored(LRPSNR(), hr, hr, lr=lr).item() == 100


def test_a_shifted_picture(pair):
    lr, hr = pair
    sr = (hr.clamp(0.1, 0.8) * 255).round() / 255 + 3 / 255
    downscaled = imresize(sr, 1 / 4, rounding=True)
    expected = peak_signal_noise_ratio((lr * 255).numpy(), (downscaled * 255).numpy(), data_range=255)
    assert LRPSNR()(sr, lr).item() == pytest.approx(expected, abs=1e-4)


def test_bicubic_upscaling_is_less_consistent_than_hr(pair):
    lr, _ = pair
    assert 30 < LRPSNR()(imresize(lr, 4, rounding=True), lr).item() < 60


def test_other_bands(pair):
    with pytest.raises(InputError, match="LRPSNR compares SR with LR of as many bands"):
        LRPSNR()(pair[1], pair[0][:, :1])
