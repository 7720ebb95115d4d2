"""Classical interpolation of volumes, against SimpleITK's; filters along an axis, against SciPy's."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from sr.functional.volume import filtered, interpolated
from tests.volumes import brain


def simpleitk(lr: Tensor, factors: tuple[int, int, int], kernel: str) -> np.ndarray:
    """The same volume, resampled by SimpleITK at the centres of the new voxels."""
    itk = pytest.importorskip("SimpleITK")
    image = itk.GetImageFromArray(lr[0, 0].numpy().astype(np.float64))
    by = factors[::-1]  # x, y, z
    resample = itk.ResampleImageFilter()
    resample.SetInterpolator({"trilinear": itk.sitkLinear, "bspline": itk.sitkBSpline}[kernel])
    resample.SetSize([size * f for size, f in zip(image.GetSize(), by, strict=True)])
    resample.SetOutputSpacing([1 / f for f in by])
    resample.SetOutputOrigin([0.5 / f - 0.5 for f in by])
    return itk.GetArrayFromImage(resample.Execute(image))


@pytest.mark.parametrize("kernel", ["trilinear", "bspline"])
@pytest.mark.parametrize("factors", [(2, 1, 1), (4, 1, 1), (2, 2, 2), (3, 1, 2)])
def test_interpolation_is_that_of_simpleitk(sr_data, factors, kernel):
    lr = brain(sr_data, (12, 14, 16))
    made, theirs = interpolated(lr, factors, kernel)[0, 0].numpy(), simpleitk(lr, factors, kernel)
    inside = tuple(slice(f, -f) for f in factors)  # SimpleITK has no values beyond the centres of the outermost voxels
    assert made.shape == theirs.shape
    assert np.abs(made[inside] - theirs[inside]).max() < 1e-5


@pytest.mark.parametrize("kernel", ["trilinear", "bspline"])
def test_a_constant_stays_and_a_single_slice_is_repeated(kernel):
    flat = torch.full((1, 2, 1, 4, 5), 0.3)
    made = interpolated(flat, (3, 2, 1), kernel)
    assert made.shape == (1, 2, 3, 8, 5) and torch.allclose(made, torch.tensor(0.3), atol=1e-6)


def test_filter_is_that_of_scipy(sr_data):
    hr, weights = brain(sr_data, (15, 6, 5)), [0.1, 0.2, 0.4, 0.25, 0.05]
    made = filtered(hr, -3, weights, 3)
    theirs = ndimage.correlate1d(hr[0, 0].double().numpy(), weights, axis=0, mode="reflect")[1::3]
    np.testing.assert_allclose(made[0, 0].numpy(), theirs, atol=1e-6)
