"""Against `sr.functional.resize.imresize`, which is measured against MATLAB's own files."""

import pytest
import torch

from sr.augmentation.resample import resample, weights
from sr.functional.resize import imresize


@pytest.mark.parametrize(("size", "out"), [(96, 48), (96, 72), (90, 54), (80, 8), (64, 64)])
def test_equals_imresize(photos, size, out):
    images = torch.stack([torch.from_numpy(photo[:size, :size].copy()) for photo in photos]).permute(0, 3, 1, 2) / 255
    factor = torch.full((4,), out / size, dtype=torch.float64)
    centre = (torch.arange(out, dtype=torch.float64) + 0.5) / factor.view(-1, 1) - 0.5
    matrix = weights(centre, factor, size, out / size)
    difference = (resample(images, matrix, matrix) - imresize(images, size=(out, out), rounding=True)).abs() * 255
    assert difference.max() <= 1.01 and (difference > 0.5).float().mean() < 0.002  # ties of weights rounded to 2**-14


def test_every_image_has_its_own_factor(photos):
    images = torch.stack([torch.from_numpy(photo[:60, :60].copy()) for photo in photos]).permute(0, 3, 1, 2) / 255
    factor = torch.tensor([0.6, 0.7, 0.85, 1.0], dtype=torch.float64)
    centre = (torch.arange(30, dtype=torch.float64) + 0.5) / factor.view(-1, 1) - 0.5
    whole = resample(images, *[weights(centre, factor, 60, 0.6)] * 2)
    for n in range(4):
        one = weights(centre[n : n + 1], factor[n : n + 1], 60, 0.6)
        assert torch.equal(resample(images[n : n + 1], one, one)[0], whole[n])
    torch.testing.assert_close(whole[3], images[3, :, :30, :30])


def test_a_flat_image_stays_flat():
    factor = torch.tensor([0.61, 0.97], dtype=torch.float64)
    centre = (torch.arange(30, dtype=torch.float64) - 4) / factor.view(-1, 1)
    matrix = weights(centre, factor, 40, 0.6)
    flat = torch.full((2, 3, 40, 40), 77 / 255)
    assert torch.equal((resample(flat, matrix, matrix) * 255).round(), torch.full((2, 3, 30, 30), 77.0))
