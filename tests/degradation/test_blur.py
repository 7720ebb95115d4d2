import kornia
import numpy as np
import pytest
import torch
from scipy import ndimage

from sr.degradation.blur import Blur, filter_batch, gaussian_kernel
from sr.functional.draws import Draws
from sr.functional.ranges import checked


def kernel_of(sigma_x: float, sigma_y: float, theta: float, size: int = 21) -> torch.Tensor:
    return gaussian_kernel(torch.tensor([sigma_x]), torch.tensor([sigma_y]), torch.tensor([theta]), size)[0]


@pytest.mark.parametrize("sigma", [0.2, 0.7, 1.6, 3.0, 50.0])
def test_isotropic_kernel_is_kornias(sigma):
    expected = kornia.filters.get_gaussian_kernel2d((21, 21), (sigma, sigma))[0]
    # 2**-17 is the rounding of a weight; the centre takes the sum of all
    assert (kernel_of(sigma, sigma, 0.4) - expected).abs().max() < 4e-4
    assert (kernel_of(sigma, sigma, 0.4) - expected).abs().median() <= 2**-17


def test_anisotropic_kernel_has_its_covariance():
    kernel = kernel_of(1.2, 2.5, 0.5, size=41).double()
    axis = torch.arange(41, dtype=torch.float64) - 20
    xx, yy, xy = (kernel * axis**2).sum(), (kernel.T * axis**2).sum(), (kernel * axis * axis[:, None]).sum()
    turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    expected = turn @ np.diag([1.2**2, 2.5**2]) @ turn.T
    assert np.array([[xx, xy], [xy, yy]]) == pytest.approx(expected, abs=0.02)


def test_flat_images_stay_flat():
    for sigma in (0.2, 1.3, 100.0):
        image = torch.full((1, 3, 30, 30), 255.0)
        assert torch.equal(filter_batch(image, kernel_of(sigma, sigma, 0.0)[None]), image)


@pytest.mark.parametrize("sigma", [0.5, 1.6, 2.5])
def test_whole_image_agrees_with_scipy(photo, sigma):
    blur = Blur(kernel_size=21, sigma=(sigma, sigma))
    made = blur(photo, {k: torch.as_tensor(v) for k, v in blur.sample(Draws(0, 0, 1, "test")).items()})
    expected = ndimage.gaussian_filter(photo[0].double().numpy(), sigma, axes=(1, 2), mode="reflect", radius=10)
    assert np.abs(made[0].numpy() - expected).max() * 255 < 0.05


@pytest.mark.medium
def test_each_sample_has_its_own_kernel(patches):
    theta = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0])
    blur = Blur(kernel_size=15)
    made = blur(patches, {"sigma_x": theta + 0.5, "sigma_y": theta + 1, "theta": theta})
    kernel = gaussian_kernel(theta + 0.5, theta + 1, theta, 15)
    for i in range(5):
        for c in range(3):
            expected = ndimage.correlate(patches[i, c].double().numpy(), kernel[i].double().numpy(), mode="reflect")
            assert made[i, c].numpy() == pytest.approx(expected, abs=1e-6)


def test_sampled_ranges():
    blur = Blur(sigma=(0.5, 1.5), sigma_y=(2.0, 4.0), theta=(0.1, 0.2), isotropic_probability=0.25)
    p = blur.sample(Draws(0, 0, 20_000, "test"))
    isotropic = p["sigma_y"] == p["sigma_x"]
    assert isotropic.mean() == pytest.approx(0.25, abs=0.02)
    assert p["sigma_x"].min() >= 0.5 and p["sigma_x"].max() <= 1.5 and p["sigma_x"].mean() == pytest.approx(1, abs=0.02)
    assert p["sigma_y"][~isotropic].min() >= 2 and p["sigma_y"].max() <= 4
    assert p["theta"].min() >= 0.1 and p["theta"].max() <= 0.2001


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": 20}, "kernel_size must be odd and positive, got 20"),
        ({"sigma": (3.0, 0.2)}, r"sigma must be \[low, high\].*got \[3.0, 0.2\]"),
        ({"sigma": (0.0, 1.0)}, "sigma must be"),
        ({"sigma_y": (1.0,)}, "sigma_y must be"),
        ({"theta": (2.0, 1.0)}, "theta must be"),
        ({"isotropic_probability": 1.5}, r"isotropic_probability must be a probability in \[0, 1\], got 1.5"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        Blur(**arguments)


@pytest.mark.parametrize("sigma", [1.6, "1.6", ["a", "b"], [[1, 2], [3, 4]], None])
def test_a_range_that_is_none_says_how_to_write_one(sigma):
    with pytest.raises(ValueError, match=r"^x must be \[low, high\] with 0 <= low <= high <= 5, got .*$") as error:
        checked("x", sigma, 0, 5)
    assert ("pass [1.6, 1.6] for a single value" in str(error.value)) == (sigma == 1.6)
