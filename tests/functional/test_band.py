import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage

from sr.functional import band
from sr.functional.resize import imresize, pad_symmetric

MARGIN = 60


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.rand(3, 50, 64, generator=torch.Generator().manual_seed(0))


def mapped(image: torch.Tensor, rows: band.Band, columns: band.Band, block: int | None = 16) -> torch.Tensor:
    """The bands on an image that is mirrored beyond its edge."""
    padded = pad_symmetric(pad_symmetric(image, -2, MARGIN, MARGIN), -1, MARGIN, MARGIN)
    both = [one.matrices(-MARGIN, block) for one in (rows, columns)]
    return band.apply(padded, *((torch.from_numpy(matrices), spans) for matrices, spans in both))


def resize(image: torch.Tensor, mode: band.Mode, size: tuple[int, int], block: int | None = 16) -> torch.Tensor:
    axes = [band.resized(mode, old / new, 0, new) for old, new in zip(image.shape[-2:], size, strict=True)]
    return mapped(image, *axes, block)


@pytest.mark.parametrize("size", [(31, 23), (50, 64), (75, 93), (10, 7), (25, 32)])
@pytest.mark.parametrize("mode", ["area", "bilinear", "bicubic"])
def test_resizes_are_torchs(image, mode, size):
    expected = F.interpolate(image[None], size=size, mode=mode)[0]
    made = resize(image, mode, size)
    inside = slice(4, -4) if mode == "bicubic" and size[0] > 10 else slice(None)  # torch repeats the edge, we mirror it
    inside = slice(1, -1) if mode == "bicubic" and size[0] == 10 else inside
    torch.testing.assert_close(made[:, inside, inside], expected[:, inside, inside], atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(31, 23), (10, 7), (25, 32)])
def test_box_is_the_mean_of_the_area(image, size):
    expected = image.double().numpy()
    for axis, count in ((1, size[0]), (2, size[1])):  # differences of the integral at the output pixels' edges
        length = expected.shape[axis]
        total = np.concatenate([np.zeros_like(expected.take([0], axis)), expected.cumsum(axis)], axis)
        at = np.linspace(0, length, count + 1)
        edges = np.apply_along_axis(lambda line, at=at, length=length: np.interp(at, np.arange(length + 1), line), axis, total)
        expected = np.diff(edges, axis=axis) * count / length
    np.testing.assert_allclose(resize(image, "box", size).numpy(), expected, atol=2e-6)


def test_matlab_is_imresize(image):
    torch.testing.assert_close(resize(image, "matlab", (25, 32)), imresize(image[None], 0.5)[0], atol=2e-6, rtol=0)


def test_a_blur_before_a_resize_is_one_band(image):
    kernels = np.array([[0.1, 0.2, 0.4, 0.2, 0.1], [0.0, 0.3, 0.3, 0.3, 0.1]])
    axes = [band.resized("bilinear", old / new, 0, new).after(kernels) for old, new in ((50, 21), (64, 33))]
    blurred = np.zeros(image.shape)
    for kernel in kernels:
        line = ndimage.correlate1d(image.double().numpy(), kernel, 1, mode="reflect")
        blurred += ndimage.correlate1d(line, kernel, 2, mode="reflect")
    expected = F.interpolate(torch.from_numpy(blurred)[None], size=(21, 33), mode="bilinear")[0]
    torch.testing.assert_close(mapped(image, *axes).double(), expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize("mode", ["area", "bicubic", "box"])
def test_blocks_change_nothing(image, mode):
    torch.testing.assert_close(resize(image, mode, (33, 40), None), resize(image, mode, (33, 40), 8), atol=1e-6, rtol=0)


def test_a_part_is_the_part_of_the_whole():
    whole, part = band.resized("area", 1.7, -5, 40), band.resized("area", 1.7, 3, 11)
    np.testing.assert_array_equal(whole.first[8:16], part.first)
    np.testing.assert_array_equal(whole.weights[8:16], part.weights)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_points_lie_at_the_cells_centres(factor):
    """A straight line keeps its value at the centre of each cell."""
    line = torch.arange(-60.0, 110.0).expand(1, 1, -1)
    rows = band.identity(0, 1)
    matrices, spans = band.points(factor, 2.3, 25, 0, 10).matrices(-60)
    one = (torch.from_numpy(rows.matrices(0)[0]), rows.matrices(0)[1])
    made = band.apply(line, one, (torch.from_numpy(matrices), spans))[0, 0]
    np.testing.assert_allclose(made, np.arange(10) * factor + (factor - 1) / 2, atol=1e-4)
