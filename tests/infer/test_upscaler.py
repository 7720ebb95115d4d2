"""sr/infer/upscaler.py with official weights (FSRCNN x2) on Set5, and with networks whose output is known."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sr.functional.resize import imresize
from sr.image.file import read_rgb8, to_pixels, to_tensor
from sr.infer.tiles import pad_to_multiple
from sr.infer.upscaler import upscale
from sr.network.compact import Compact
from sr.network.fsrcnn import FSRCNN
from sr.network.interpolation import Interpolation
from sr.weights import checkpoint
from sr.weights.fit import load_weights


class WindowMean(nn.Module):
    """x2; each 8x8 window less its mean, as attention in windows would see it: depends on where windows lie."""

    scale, multiple_of = 2, 8

    def forward(self, lr):
        assert lr.shape[-2] % 8 == lr.shape[-1] % 8 == 0
        mean = F.interpolate(F.avg_pool2d(lr, 8), scale_factor=8)
        return F.interpolate(lr - mean, scale_factor=2)


class Recorder(nn.Module):
    """Remembers what it was given."""

    def __init__(self, network):
        super().__init__()
        self.network, self.scale, self.multiple_of, self.shapes = network, network.scale, network.multiple_of, []

    def forward(self, lr):
        self.shapes.append(tuple(lr.shape))
        return self.network(lr)


@pytest.fixture(scope="module")
def fsrcnn(sr_data):
    network = FSRCNN(scale=2)
    file = sr_data / "weights" / "fsrcnn_x2.pth"
    load_weights(network, checkpoint.weights(checkpoint.read(file)), file)
    return network.eval()


@pytest.fixture(scope="module")
def butterfly(sr_data):
    folder = sr_data / "benchmark" / "Set5" / "LR_bicubic" / "X2"
    return to_tensor(read_rgb8(next(folder.glob("butterfly*"))))[..., :121, :127]  # odd sizes


def difference(a, b):
    """Of the 8-bit images: largest, and the part of the values that differ."""
    d = np.abs(to_pixels(a).astype(int) - to_pixels(b))
    return d.max(), (d > 0).mean()


def test_overlap_that_covers_the_receptive_field_changes_nothing(fsrcnn, butterfly):
    # 2 + 4 * 1 for the convolutions, 2 for the transposed one (9 taps at stride 2): 8 pixels, which are 3/8 of 22.
    whole = upscale(fsrcnn, butterfly)
    tiled = upscale(fsrcnn, butterfly, tile=64, overlap=24)
    largest, different = difference(tiled, whole)
    assert largest <= 1 and different < 1e-4
    torch.testing.assert_close(tiled, whole, atol=1e-5, rtol=0)


def test_less_overlap_leaves_no_edge(fsrcnn, butterfly):
    whole = upscale(fsrcnn, butterfly)
    largest, different = difference(upscale(fsrcnn, butterfly, tile=48, overlap=16), whole)
    assert largest <= 3 and different < 0.02
    hard, _ = difference(upscale(fsrcnn, butterfly, tile=48, overlap=0), whole)
    assert hard > 20  # what the blending is for


@pytest.mark.parametrize("overlap", [0, 5, 16, 31])
def test_weights_of_the_tiles_sum_to_one(overlap):
    nearest = Interpolation(scale=3, kernel="nearest")
    for height, width in ((100, 77), (33, 32), (1, 500), (5, 7)):
        lr = torch.rand(1, 3, height, width)
        torch.testing.assert_close(upscale(nearest, lr, tile=32, overlap=overlap), nearest(lr), atol=1e-5, rtol=0)


def test_tiles_have_one_size_and_a_network_sees_no_more():
    network = Recorder(Interpolation(scale=2))
    upscale(network, torch.rand(1, 3, 300, 257), tile=128, overlap=16)
    assert len(set(network.shapes)) == 1 and len(network.shapes) == 3 * 3
    assert network.shapes[0] == (1, 3, 111, 97)  # as small as three tiles of 16 shared pixels can be, not 128


def test_tiles_keep_the_grid_of_windows():
    lr = torch.rand(2, 3, 90, 75)
    whole = upscale(WindowMean(), lr)
    for tile, overlap in ((32, 8), (30, 5), (64, 24)):
        torch.testing.assert_close(upscale(WindowMean(), lr, tile=tile, overlap=overlap), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("height, width", [(1, 1), (2, 3), (5, 9), (8, 8), (17, 1), (33, 20)])
def test_any_size(height, width):
    lr = torch.rand(1, 3, height, width)
    for tile in (None, 16):
        sr = upscale(WindowMean(), lr, tile=tile, overlap=8)
        assert sr.shape == (1, 3, 2 * height, 2 * width) and torch.isfinite(sr).all()


def test_padding_mirrors_where_it_can():
    image = torch.arange(15.0).view(1, 1, 3, 5)
    expected = np.pad(image[0, 0].numpy(), ((0, 1), (0, 3)), mode="reflect")
    np.testing.assert_array_equal(pad_to_multiple(image, 4)[0, 0].numpy(), expected)
    expected = np.pad(image[0, 0].numpy(), ((0, 5), (0, 3)), mode="edge")
    np.testing.assert_array_equal(pad_to_multiple(image, 8)[0, 0, :, :5].numpy(), expected[:, :5])
    assert pad_to_multiple(image, 1) is image


def test_ensemble_of_an_equivariant_network_is_the_network(butterfly):
    bicubic = Interpolation(scale=2)
    torch.testing.assert_close(upscale(bicubic, butterfly, ensemble=True), imresize(butterfly, 2), atol=1e-6, rtol=0)
    tiled = upscale(bicubic, butterfly, tile=50, overlap=16, ensemble=True)
    torch.testing.assert_close(tiled, imresize(butterfly, 2), atol=1e-5, rtol=0)


@pytest.mark.medium
def test_ensemble_is_the_mean_of_eight_and_better(fsrcnn, sr_data):
    folder = sr_data / "benchmark" / "Set5"
    gain = []
    for file in sorted((folder / "HR").iterdir()):
        hr = to_tensor(read_rgb8(file))
        lr = imresize(hr[..., : hr.shape[-2] // 2 * 2, : hr.shape[-1] // 2 * 2], 0.5, rounding=True)[..., :96, :96]
        hr = hr[..., : 2 * lr.shape[-2], : 2 * lr.shape[-1]]
        views = [torch.rot90(x, k, (-2, -1)) for x in (lr, lr.mT) for k in range(4)]  # the same 8, found another way
        with torch.no_grad():
            back = [torch.rot90(fsrcnn(view), -k % 4, (-2, -1)) for view, k in zip(views, [0, 1, 2, 3] * 2, strict=True)]
        mean = (sum(back[:4]) + sum(view.mT for view in back[4:])) / 8
        ensemble = upscale(fsrcnn, lr, ensemble=True)
        torch.testing.assert_close(ensemble, mean, atol=1e-5, rtol=0)
        errors = [((sr - hr)[..., 2:-2, 2:-2] ** 2).mean().item() for sr in (upscale(fsrcnn, lr), ensemble)]
        gain.append(10 * np.log10(errors[0] / errors[1]))
    assert np.mean(gain) > 0.02  # dB


def test_no_graph_and_float32():
    network = Compact(scale=2, n_feats=8, n_blocks=1).eval()
    sr = upscale(network, torch.rand(1, 3, 20, 20), tile=16, overlap=4)
    assert not sr.requires_grad and sr.dtype == torch.float32
    assert upscale(network.bfloat16(), torch.rand(1, 3, 20, 20).bfloat16()).dtype == torch.float32


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_whole_image_stays_off_the_device():
    network = Compact(scale=4, n_feats=8, n_blocks=1).eval().cuda()
    lr = torch.rand(1, 3, 2000, 2000)
    torch.cuda.reset_peak_memory_stats()
    sr = upscale(network, lr, tile=128)
    assert sr.device == lr.device
    assert torch.cuda.max_memory_allocated() < 64 * 2**20  # the result alone has 768 MB


@pytest.mark.parametrize("tile, overlap", [(32, 32), (32, 40), (32, -1), (0, 0), (-8, 0)])
def test_overlap_that_does_not_fit(tile, overlap):
    with pytest.raises(ValueError, match=f"overlap={overlap} does not fit tile={tile}"):
        upscale(Interpolation(scale=2), torch.rand(1, 3, 8, 8), tile=tile, overlap=overlap)


def test_wrong_shapes():
    for shape in ((3, 8, 8), (1, 3, 0, 8)):
        with pytest.raises(ValueError, match=r"expected \(N, C, H, W\)"):
            upscale(Interpolation(scale=2), torch.zeros(shape))
