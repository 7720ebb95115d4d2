"""LR volumes by slice profiles, against PyTorch's pooling and SciPy's Gaussian filter."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage

from sr.degradation.bicubic import Bicubic
from sr.degradation.slice_profile import SliceProfile, weights
from sr.degradation.volume_chain import VolumeChain
from sr.errors import InputError
from sr.functional.draws import Draws
from tests.volumes import brain


def test_a_box_is_the_mean(sr_data):
    hr = brain(sr_data)
    for scale, axes in ((2, "through_plane"), (4, "through_plane"), (2, "isotropic")):
        stage = SliceProfile(scale=scale, axes=axes, profile="box")
        torch.testing.assert_close(stage(hr, {}), F.avg_pool3d(hr, stage.factors), atol=1e-6, rtol=0)


@pytest.mark.parametrize("thickness", [1.0, 1.3])
def test_a_gaussian_is_scipys(sr_data, thickness):
    hr = brain(sr_data, (33, 10, 12))
    made = SliceProfile(scale=3, thickness=thickness)(hr, {})
    sigma = 3 * thickness / 2.354820045
    theirs = ndimage.gaussian_filter1d(hr[0, 0].double().numpy(), sigma, axis=0, mode="reflect", truncate=3)[1::3]
    np.testing.assert_allclose(made[0, 0].numpy(), theirs, atol=2e-4)  # SciPy cuts at a whole number of voxels


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_the_profiles_pass_what_they_should(factor):
    """The response to waves: all keep the mean; the sinc keeps half of LR's Nyquist frequency and removes twice of it."""
    for profile in ("box", "gaussian", "sinc"):
        found = np.array(weights(profile, factor, 1.0))
        x = np.arange(len(found)) - (len(found) - 1) / 2
        response = [float(found @ np.cos(2 * np.pi * f / (2 * factor) * x)) for f in (0, 0.5, 1, 2)]
        assert response[0] == pytest.approx(1) and len(found) % 2 == factor % 2 and np.allclose(found, found[::-1])
        if profile == "sinc":
            assert response[1] > 0.97 and abs(response[2] - 0.5) < 0.05 and abs(response[3]) < 0.02 or factor == 2
        else:
            assert response[1] > response[2] > abs(response[3]) - 1e-9


@pytest.mark.parametrize("profile", ["box", "gaussian", "sinc"])
def test_a_patch_with_its_margin_is_the_crop_of_the_whole(sr_data, profile):
    hr = brain(sr_data, (48, 12, 12))
    chain = VolumeChain({"slice_profile": SliceProfile(scale=2, profile=profile, thickness=[0.8, 1.4])}, 2, "through_plane")
    given, m = chain.sample(Draws(3, 11, 1, "degradation")), chain.margin[0]
    whole = chain(hr, given)
    part = chain(hr[:, :, 20 - m : 28 + m], given)
    assert m % 2 == 0 and chain.margin[1:] == (0, 0)
    assert torch.equal(part[:, :, m // 2 : m // 2 + 4], whole[:, :, 10:14])


def test_a_sample_is_the_same_alone_and_in_a_batch(sr_data):
    stage = SliceProfile(scale=2, thickness=[0.8, 1.4])
    hr = brain(sr_data, (16, 8, 8)).repeat(3, 1, 1, 1, 1)
    drawn = stage.sample(Draws(1, 5, 3, "degradation"))
    made = stage(hr, drawn)
    for i in range(3):
        assert torch.equal(stage(hr[:1], stage.sample(Draws(1, 5 + i, 1, "degradation")))[0], made[i])
    assert not torch.equal(made[0], made[1]) and "thickness" in stage.words({"thickness": drawn["thickness"][0]})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"profile": "triangle"}, "profile=triangle: choose box, gaussian, sinc"),
        ({"thickness": 0}, "thickness=0: pass a number above 0"),
        ({"thickness": [2, 1]}, r"thickness=\[2, 1\]: pass a number"),
        ({"axes": None}, "axes=None: choose isotropic"),
    ],
)
def test_bad_options_are_one_line(options, says):
    with pytest.raises(InputError, match=f"^{says}"):
        SliceProfile(scale=2, **options)


def test_what_does_not_fit_volumes_is_one_line():
    with pytest.raises(InputError, match="^degradation=bicubic is for pictures, but axes=through_plane is for volumes: pass"):
        VolumeChain({"bicubic": Bicubic(2)}, 2, "through_plane")
    with pytest.raises(InputError, match=r"shrinks by \(2, 1, 1\), but scale and axes are \(2, 2, 2\)"):
        VolumeChain({"slice_profile": SliceProfile(scale=2)}, 2, "isotropic")
    with pytest.raises(InputError, match="^HR of 5x4x4 voxels is not a multiple of 2x1x1; crop it first"):
        SliceProfile(scale=2)(torch.zeros(1, 1, 5, 4, 4), {})
