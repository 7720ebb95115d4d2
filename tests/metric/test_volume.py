"""Metrics of volumes, against scikit-image's of 3D arrays."""

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from sr.errors import InputError
from sr.functional.volume import interpolated
from sr.metric.psnr_volume import PSNRVolume
from sr.metric.record import record
from sr.metric.ssim_volume import SSIMVolume
from tests.volumes import brain


@pytest.fixture(scope="module")
def pair(sr_data):
    hr = brain(sr_data, (32, 24, 20))
    return interpolated(hr[:, :, ::2], (2, 1, 1)), hr


@pytest.mark.parametrize("levels", [None, 255])
@pytest.mark.parametrize("border", [0, 2])
def test_scores_are_those_of_scikit_image(pair, border, levels):
    sr, hr = pair
    inside = (0, 0, *[slice(border, size - border) for size in hr.shape[2:]])
    ours, theirs = (((x.double() * 255).round() / 255 if levels else x.double())[inside].numpy() for x in (sr, hr))
    psnr = peak_signal_noise_ratio(theirs, ours, data_range=1)
    ssim = structural_similarity(
        theirs, ours, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )  # the mean where the window is inside, as ours
    options = {"crop_border": border, "levels": levels}
    assert PSNRVolume(**options)(sr, hr).item() == pytest.approx(psnr, abs=1e-6)
    assert SSIMVolume(**options)(sr, hr).item() == pytest.approx(ssim, abs=1e-7)


def test_volumes_of_a_batch_do_not_mix_and_a_perfect_one_scores_100(pair):
    sr, hr = pair
    both = PSNRVolume()(torch.cat([sr, hr]), torch.cat([hr, hr]))
    assert both.dtype == torch.float64 and both[0] == PSNRVolume()(sr, hr)[0] and both[1] == 100
    assert SSIMVolume()(hr, hr).item() == pytest.approx(1)
    assert record(PSNRVolume())["crop_border"] == 0


def test_what_cannot_be_scored_is_one_line(pair):
    sr, hr = pair
    with pytest.raises(InputError, match="^SSIMVolume needs 11 voxels along each side, but 32x24x20 less a border of 6"):
        SSIMVolume(crop_border=6)(sr, hr)
    with pytest.raises(InputError, match=r"^sr is \(1, 1, 32, 24, 20\) and hr is \(1, 1, 32, 24, 19\)"):
        PSNRVolume()(sr, hr[..., :-1])
    with pytest.raises(InputError, match=r"^sr has shape \(1, 24, 20\): expected \(N, C, D, H, W\)"):
        PSNRVolume()(sr[0, 0, :1], hr[0, 0, :1])
    with pytest.raises(InputError, match="^PSNRVolume compares SR with HR, but there is no HR"):
        PSNRVolume()(sr)
