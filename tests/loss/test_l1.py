import numpy as np
import pytest

from sr.loss.l1 import l1


def test_equals_numpy(pair):
    sr, hr = (image.double().numpy() for image in pair)
    assert l1(*pair).item() == pytest.approx(np.abs(sr - hr).mean(), rel=1e-6)
