import numpy as np
import pytest
import torch
from skimage import data
from skimage.metrics import structural_similarity
from skimage.transform import downscale_local_mean

from sr.functional.resize import imresize
from sr.loss.ms_ssim import MSSSIM, ms_ssim_loss

WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])


def skimage_ms_ssim(sr: np.ndarray, hr: np.ndarray, scales: int, halved=lambda x: downscale_local_mean(x, (2, 2))) -> float:
    """MS-SSIM of one channel by skimage's SSIM maps; a huge K1 makes the luminance term 1."""
    score = 1.0
    for i, weight in enumerate(WEIGHTS[:scales] / WEIGHTS[:scales].sum()):
        luminance = {} if i == scales - 1 else {"K1": 1e6}
        options = dict(data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True)
        full = structural_similarity(sr, hr, **options, **luminance)[1]
        score *= full[5:-5, 5:-5].mean() ** weight
        sr, hr = halved(sr), halved(hr)
    return score


@pytest.mark.parametrize("scales, size", [(1, 11), (3, 44), (4, 88), (5, 176)])
def test_equals_skimage_down_to_the_smallest_size(scales, size):
    photo = torch.from_numpy(data.astronaut()).permute(2, 0, 1)[None].double() / 255
    hr = photo[..., 20 : 20 + size, 150 : 150 + size]
    sr = imresize(imresize(hr, 0.5), size=(size, size))
    theirs = np.mean([skimage_ms_ssim(a.numpy(), b.numpy(), scales) for a, b in zip(sr[0], hr[0], strict=True)])
    assert 1 - ms_ssim_loss(sr, hr, scales=scales).item() == pytest.approx(theirs, abs=1e-9)
    with pytest.raises(ValueError, match=f"{scales} scales needs at least {size}x{size} pixels, not {size - 1}x{size}"):
        ms_ssim_loss(sr[..., 1:, :], hr[..., 1:, :], scales=scales)


def test_a_negative_has_a_finite_gradient(pair):
    sr = (1 - pair[1]).requires_grad_()
    MSSSIM(scales=4)(sr, pair[1]).backward()
    assert sr.grad.isfinite().all()


@pytest.mark.parametrize("scales", [0, 6])
def test_number_of_scales(pair, scales):
    with pytest.raises(ValueError, match=f"1 to 5 scales, not {scales}"):
        ms_ssim_loss(*pair, scales=scales)


def test_odd_sizes_equal_the_authors_msssim_m(pair):
    """Wang's MATLAB: imfilter(ones(2)/4, 'symmetric'), then every second pixel, so that no row or column is lost."""
    from scipy.ndimage import uniform_filter

    def halved(image):
        return uniform_filter(image, 2, origin=-1, mode="reflect")[::2, ::2]

    sr, hr = (image[:1, :1, :95, :93].double() for image in pair)
    theirs = skimage_ms_ssim(sr[0, 0].numpy(), hr[0, 0].numpy(), 4, halved)
    assert 1 - ms_ssim_loss(sr, hr, scales=4).item() == pytest.approx(theirs, abs=1e-9)
