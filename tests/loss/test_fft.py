import numpy as np
import pytest

from sr.loss.fft import fft_l1


def test_equals_numpy_on_each_image(pair):
    sr, hr = (np.fft.fft2(image.double().numpy()) for image in pair)
    theirs = (np.abs(sr.real - hr.real).mean() + np.abs(sr.imag - hr.imag).mean()) / 2
    assert fft_l1(*pair).item() == pytest.approx(theirs, rel=1e-5)
