import pytest
import torch
from skimage import data

from sr.functional.ssim import gaussian_blur, ssim_maps


def test_blur_equals_scipy():
    from scipy.ndimage import gaussian_filter

    image = torch.from_numpy(data.camera()[100:180, 200:260]).double()
    theirs = gaussian_filter(image.numpy(), sigma=1.5, radius=5)[5:-5, 5:-5]
    torch.testing.assert_close(gaussian_blur(image[None, None])[0, 0], torch.from_numpy(theirs), rtol=0, atol=1e-10)


def test_map_equals_kornia():
    from kornia.metrics import ssim

    hr = torch.from_numpy(data.chelsea()).permute(2, 0, 1)[None].double()
    sr = hr.roll(1, dims=-1)
    luminance, contrast_structure = ssim_maps(sr, hr, data_range=255)
    theirs = ssim(sr, hr, 11, max_val=255.0, eps=0.0, padding="valid")
    assert luminance.shape == theirs.shape == (1, 3, 290, 441)
    torch.testing.assert_close(luminance * contrast_structure, theirs, rtol=0, atol=1e-9)


def test_float32_is_enough_for_the_loss():
    hr = torch.from_numpy(data.chelsea()).permute(2, 0, 1)[None].double() / 255
    single, double = (ssim_maps(hr.roll(1, -1).to(d), hr.to(d))[1] for d in (torch.float32, torch.float64))
    assert (single - double).abs().max() < 1e-3


def test_too_small():
    with pytest.raises(ValueError, match="10x40 is too small"):
        ssim_maps(torch.zeros(1, 1, 10, 40), torch.zeros(1, 1, 10, 40))
