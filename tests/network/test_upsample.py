import pytest
import torch

from sr.network.upsample import Upsampler, stages


@pytest.mark.parametrize(("scale", "keys"), [(1, []), (2, ["0"]), (3, ["0"]), (4, ["0", "2"]), (8, ["0", "2", "4"])])
def test_shape_and_keys(scale, keys):
    upsampler = Upsampler(scale=scale, n_feats=4)
    assert upsampler(torch.rand(1, 4, 5, 7)).shape == (1, 4, 5 * scale, 7 * scale)
    assert [key.removesuffix(".weight") for key in upsampler.state_dict() if key.endswith("weight")] == keys


@pytest.mark.parametrize("scale", [0, 5, 6])
def test_no_stages(scale):
    with pytest.raises(ValueError, match=f"^scale {scale} has no sub-pixel stages; choose 3 or a power of two$"):
        stages(scale)
