"""NIQE against MATLAB's published number, BasicSR's arithmetic by SciPy, and pictures that get worse."""

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from skimage import data
from torch import Tensor

from sr.functional import aggd
from sr.functional.color import rgb_to_gray
from sr.functional.mscn import mscn
from sr.functional.resize import imresize
from sr.image.file import read, to_tensor
from sr.metric.niqe import NIQE


@pytest.fixture(scope="module")
def photo() -> Tensor:
    """(1, 3, 220, 300): six blocks."""
    return torch.from_numpy(data.chelsea()[40:260, 100:400]).permute(2, 0, 1)[None] / 255


def test_the_number_that_matlab_gives(sr_data):
    """BasicSR records MATLAB R2021a's 5.72957338 for its baboon.png, the left 492 columns of Set14's."""
    baboon = to_tensor(read(sr_data / "benchmark" / "Set14" / "HR" / "baboon.png").pixels)
    assert NIQE(crop_border=0)(baboon[..., :492]).item() == pytest.approx(5.72957338, abs=1e-5)


def test_local_contrast_is_that_of_scipy(photo):
    gray = rgb_to_gray(photo.double() * 255)
    steps = np.arange(-3, 4)
    window = np.exp(-(steps[:, None] ** 2 + steps**2) / (2 * (7 / 6) ** 2))
    image, window = gray[0, 0].numpy(), window / window.sum()
    mean, square = (ndimage.convolve(values, window, mode="nearest") for values in (image, image**2))
    theirs = (image - mean) / (np.sqrt(np.abs(square - mean**2)) + 1)
    np.testing.assert_allclose(mscn(gray)[0, 0].numpy(), theirs, rtol=0, atol=1e-9)


def test_gray_is_that_of_matlab(photo):
    """Its documentation: 0.2989 R + 0.5870 G + 0.1140 B."""
    expected = (photo.double() * torch.tensor([0.2989, 0.5870, 0.1140], dtype=torch.float64).view(3, 1, 1)).sum(1, True)
    torch.testing.assert_close(rgb_to_gray(photo.double()), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0, 4.0])
def test_shapes_of_samples_are_found(shape):
    """SciPy's generalised normal, whose scale is ours on both sides, and one that is twice as wide on the right."""
    half = np.abs(stats.gennorm(shape).rvs(50_000, random_state=0))
    sides = np.random.default_rng(0).random(len(half)) < 1 / 3
    found = aggd.fit(torch.from_numpy(np.stack([half * np.where(sides, -1, 1), np.where(sides, -half, 2 * half)])))
    shapes, left, right = (values.tolist() for values in found)
    assert shapes[1] == pytest.approx(shape, rel=0.05)
    assert left[1] == pytest.approx(1, rel=0.05) and right[1] == pytest.approx(2, rel=0.05)
    expected = np.where(sides, -half, 2 * half).mean()
    assert aggd.mean(*found)[1].item() == pytest.approx(expected, rel=0.05)


def test_worse_pictures_score_higher_and_need_no_hr(photo):
    metric = NIQE(crop_border=2)
    blurred, noisy = imresize(imresize(photo, 1 / 4), 4), photo + 0.1 * torch.randn(photo.shape)
    score, *worse = (metric(image).item() for image in (photo, blurred, noisy))
    assert not metric.reference and not metric.higher_is_better and all(value > score + 1 for value in worse)
    assert metric(photo, blurred).item() == score


def test_images_of_a_batch_and_frames_of_a_clip(photo):
    metric, other = NIQE(crop_border=2), photo.flip(-1).roll(30, -2)
    both = metric(torch.cat([photo, other]))
    assert both.tolist() == [metric(photo).item(), metric(other).item()] and both.dtype == torch.float64
    assert metric(torch.stack([photo, other], 1)).tolist() == [both.mean().item()]


def test_border_rounding_and_what_is_beyond_the_last_block(photo):
    metric = NIQE(crop_border=2)
    changed = photo + 0.2 / 255
    changed[..., :2, :] = changed[..., :, :2] = 0
    changed[..., 2 + 192 + 6 :, :] = 0  # six rows beyond the last block reach into the half-size image's window
    assert metric(changed.clamp(0, 1)).item() == metric(photo).item()


def test_gray_images_are_scored_as_they_are(photo):
    gray = (rgb_to_gray(photo.double()) * 255 + 0.5).floor() / 255
    assert NIQE(crop_border=2)(gray).item() == NIQE(crop_border=2, channel="gray")(photo).item()
    assert NIQE(crop_border=2)(gray).item() != NIQE(crop_border=2)(photo).item()


def test_flat_areas_are_not_made_of_rounding_errors(photo):
    """MATLAB and SciPy find differences of 1e-14 there, whose signs the fit would take for the picture's."""
    levels = torch.arange(256, dtype=torch.float64).view(-1, 1, 1, 1).expand(-1, -1, 9, 9)
    assert not mscn(levels).any()
    assert NIQE(crop_border=0)(torch.full((1, 3, 200, 200), 0.5)).isnan().item()


def test_too_small_or_too_many_bands_is_one_line(photo):
    with pytest.raises(ValueError, match=r"^NIQE needs two blocks of 96x96 pixels, and of 190x190 less a border of 2[^\n]*$"):
        NIQE(crop_border=2)(photo[..., :190, :190])
    with pytest.raises(ValueError, match=r"^NIQE needs 96x96 pixels[^\n]*$"):
        NIQE(crop_border=2)(photo[..., :98, :])
    with pytest.raises(ValueError, match=r"^NIQE needs RGB or gray, not 4 bands[^\n]*$"):
        NIQE(crop_border=2)(torch.cat([photo, photo[:, :1]], 1))
    with pytest.raises(ValueError, match="unknown channel 'rgb'; choose y or gray"):
        NIQE(crop_border=2, channel="rgb")
