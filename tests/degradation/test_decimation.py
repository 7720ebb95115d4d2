import pytest
import torch
import torch.nn.functional as F

from sr.degradation.decimation import Decimation


def test_centre_is_nearest_interpolation_at_odd_scales(photo):
    for scale in (1, 3, 5):
        hr = photo[..., :240, :330]
        expected = F.interpolate(hr, scale_factor=1 / scale, mode="nearest-exact")
        assert torch.equal(Decimation(scale)(hr, {}), expected)


def test_offsets_at_even_scales(photo):
    assert torch.equal(Decimation(4)(photo, {}), photo[:, :, 1::4, 1::4])
    assert torch.equal(Decimation(4, offset=0)(photo, {}), F.interpolate(photo, scale_factor=1 / 4, mode="nearest"))


@pytest.mark.parametrize(("scale", "offset"), [(0, None), (2, 2), (2, -1)])
def test_errors(scale, offset):
    with pytest.raises(ValueError, match=f"scale={scale}, offset={offset}"):
        Decimation(scale, offset)
