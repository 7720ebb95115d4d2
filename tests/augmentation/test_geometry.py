"""Flips, turns, rotation and scale against numpy, scipy and the whole image."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from sr.augmentation.flip import Flip
from sr.augmentation.rotation import Rotation
from sr.augmentation.scale import Scale
from sr.augmentation.turn import Turn
from sr.functional.resize import imresize


def tensor(photo: np.ndarray, size: int) -> torch.Tensor:
    return torch.from_numpy(photo[:size, :size].copy()).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize("side", [3, 100])  # NumPy moves small images, torch large ones
def test_flips_and_turns_give_all_eight_views(side):
    picture = torch.arange(float(side**2)).view(1, 1, side, side)
    on, quarters = torch.tensor([False, True] * 4), torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    batch = picture.expand(8, 1, side, side)
    views, _ = Flip().apply(batch, batch, {"on": on}, None)
    views, again = Turn().apply(views, views, {"on": quarters > 0, "quarters": quarters}, None)
    assert torch.equal(views, again)
    for n in range(8):
        expected = np.rot90(np.fliplr(picture[0, 0]) if on[n] else picture[0, 0], quarters[n])
        np.testing.assert_array_equal(views[n, 0], expected)


@pytest.mark.parametrize("quarters", [-2, -1, 0, 1, 2])
def test_rotation_by_quarters_is_rot90(photos, quarters):
    image, rotation = tensor(photos[0], 80), Rotation()
    angle = torch.tensor([quarters * np.pi / 2], dtype=torch.float64)
    made = rotation.warp(image, 48, {"on": torch.tensor([True]), "angle": angle})
    expected = torch.rot90(image, quarters, (-2, -1))[..., 16:64, 16:64]
    assert torch.equal((made * 255).round(), (expected * 255).round())


@pytest.mark.parametrize("degrees", [-170.0, -33.0, 7.0, 45.0, 120.0])
def test_rotation_is_scipys(photos, degrees):
    """Another interpolation, so not bit by bit; the pixels that scipy makes up outside of the cut are not seen."""
    image = tensor(photos[0], Rotation().source_size(64))
    angle = torch.tensor([np.radians(degrees)], dtype=torch.float64)
    made = Rotation().warp(image, 64, {"on": torch.tensor([True]), "angle": angle})[0].numpy()
    size = image.shape[-1]
    turned = ndimage.rotate(image[0].numpy(), degrees, axes=(2, 1), reshape=False, mode="constant", cval=np.nan)
    expected = turned[:, (size - 64) // 2 : (size + 64) // 2, (size - 64) // 2 : (size + 64) // 2]
    error = np.abs(made - expected).mean()
    other_way = np.abs(made - np.rot90(expected, 1, (1, 2))).mean()
    assert np.isfinite(expected).all() and error < 0.015 and error < other_way / 4


@pytest.mark.parametrize("factor", [0.6, 0.75, 0.9])
def test_scale_cuts_from_the_shrunk_image(photos, factor):
    """A cut of 240 shrunk as a whole by imresize; the patch is its middle."""
    image = tensor(photos[0], 240)
    parameters = {"on": torch.tensor([True]), "factor": torch.tensor([factor], dtype=torch.float64)}
    made = Scale().warp(image, 96, parameters)
    whole = imresize(image, factor, rounding=True)
    first = (whole.shape[-1] - 96) // 2
    difference = (made - whole[..., first : first + 96, first : first + 96]).abs() * 255
    assert difference.max() <= 1.01 and (difference > 0.5).float().mean() < 0.005


@pytest.mark.parametrize("augmentation", [Scale(), Rotation()])
@pytest.mark.parametrize("size", [8, 47, 104])
def test_the_cut_is_large_enough(photos, augmentation, size):
    """More of the image around the cut changes nothing in the patch: what is mirrored at the cut's edge is not seen."""
    need = augmentation.source_size(size)
    image = tensor(photos[0], need + 40)
    factor, angle = (torch.tensor([value], dtype=torch.float64) for value in (0.6, np.pi / 4))
    parameters = {"on": torch.tensor([True]), "factor": factor, "angle": angle}
    small = augmentation.warp(image[..., 20:-20, 20:-20], size, parameters)
    torch.testing.assert_close(small, augmentation.warp(image, size, parameters), rtol=0, atol=1.01 / 255)
    assert (small != augmentation.warp(image, size, parameters)).float().mean() < 0.01


def test_the_patch_lies_inside_the_image():
    parameters = {"on": np.array([True, False]), "factor": np.array([0.6, 0.6]), "angle": np.array([np.pi / 4] * 2)}
    np.testing.assert_allclose(Scale().footprint(np.full(2, 48), parameters), [80, 48])
    np.testing.assert_allclose(Rotation().footprint(np.full(2, 48), parameters), [48 * 2**0.5, 48])
