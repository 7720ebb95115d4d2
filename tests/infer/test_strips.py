"""sr/infer/strips.py and sr/functional/resize_rows.py: an image in strips against the same computed whole."""

import weakref
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import skimage
import torch
from torch import nn

from sr.functional.resize import imresize
from sr.functional.resize_rows import RowResize
from sr.image.file import Image, to_pixels, to_tensor
from sr.infer.strips import _empty, strips
from sr.infer.upscaler import Upscaler, upscale
from sr.network.compact import Compact
from sr.network.interpolation import Interpolation
from tests.enlarge import enlarge

CHELSEA = np.array(PIL.Image.open(Path(skimage.__file__).parent / "data" / "chelsea.png"))[:150, :210]


@pytest.fixture(scope="module")
def compact():
    torch.manual_seed(0)
    return Compact(scale=2, n_feats=8, n_blocks=1).eval()  # looks 3 pixels far


def test_the_streamed_result_is_that_of_the_whole_image(compact):
    whole = to_pixels(upscale(compact, to_tensor(CHELSEA)))
    parts = list(strips(Upscaler(compact, tile=64, overlap=16), Image(CHELSEA)))
    assert len(parts) > 3 and max(len(part) for part in parts) <= 64
    streamed = np.concatenate(parts)
    difference = np.abs(streamed.astype(int) - whole)
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-4
    np.testing.assert_array_equal(streamed, to_pixels(upscale(compact, to_tensor(CHELSEA), tile=64, overlap=16)))


@pytest.mark.parametrize("batch", [2, 3, 50])
def test_batches_of_tiles_change_nothing(compact, batch):
    one = upscale(compact, to_tensor(CHELSEA), tile=64)
    torch.testing.assert_close(Upscaler(compact, tile=64, batch=batch)(to_tensor(CHELSEA)), one, atol=1e-6, rtol=0)


@pytest.mark.parametrize("target", [(75, 105), (100, 333), (61, 40), (150, 210), (449, 637)])
def test_resizing_in_strips_is_resizing_the_whole(target):
    image = to_tensor(CHELSEA)
    expected = imresize(image, size=target)
    resize = RowResize((150, 210), target)
    for height in (1, 7, 64, 150):
        result = torch.cat(list(resize.stream(image.split(height, -2))), -2)
        torch.testing.assert_close(result, expected, atol=2e-6, rtol=0)
    start, stop = resize.needs(20, 31)
    torch.testing.assert_close(
        resize.rows(image[..., start:stop, :], start, 20, 31), expected[..., 20:31, :], atol=2e-6, rtol=0
    )


@pytest.mark.parametrize("outscale", [0.5, 1, 1.7, 3.5])
def test_any_factor(compact, outscale):
    size = round(150 * outscale), round(210 * outscale)
    expected = to_pixels(imresize(upscale(compact, to_tensor(CHELSEA)), size=size)).astype(int)
    alpha = CHELSEA[..., 1]
    result = enlarge(compact, Image(CHELSEA, alpha=alpha), 64, outscale=outscale)
    assert result.pixels.shape == (*size, 3) and result.alpha.shape == size
    assert np.abs(result.pixels - expected).max() <= 1 and (result.pixels != expected).mean() < 1e-3
    expected = to_pixels(imresize(to_tensor(alpha), size=size))[..., 0].astype(int)
    assert np.abs(result.alpha - expected).max() <= 1 and (result.alpha != expected).mean() < 1e-3
    same = enlarge(compact, Image(CHELSEA), 64, outscale=2)
    np.testing.assert_array_equal(same.pixels, enlarge(compact, Image(CHELSEA), 64).pixels)


def test_alpha_by_the_network_or_by_bicubic_interpolation(compact):
    alpha = CHELSEA[..., 0]
    image = Image(CHELSEA, alpha=alpha)
    by_network, bicubic = (enlarge(compact, image, 64, alpha_upscale=way) for way in ("network", "bicubic"))
    gray = upscale(compact, to_tensor(np.repeat(alpha[..., None], 3, 2)), tile=64).mean(1, keepdim=True)
    np.testing.assert_array_equal(by_network.alpha, to_pixels(gray)[..., 0])
    assert np.abs(bicubic.alpha.astype(int) - to_pixels(imresize(to_tensor(alpha), 2))[..., 0]).max() <= 1
    assert (by_network.alpha != bicubic.alpha).mean() > 0.1
    np.testing.assert_array_equal(by_network.pixels, bicubic.pixels)


def test_16_bit_in_16_bit_out(compact):
    pixels = CHELSEA.astype(np.uint16) * 256 + 77
    result = enlarge(compact, Image(pixels), 64).pixels
    expected = upscale(compact, to_tensor(pixels), tile=64).clamp(0, 1)[0].permute(1, 2, 0).numpy() * 65535
    assert result.dtype == np.uint16 and np.abs(result - expected).max() <= 0.51
    assert len(np.unique(result)) > 1000


@pytest.mark.parametrize("precision", ["bf16", "16"])
def test_half_precision_is_close(compact, precision):
    full = enlarge(compact, Image(CHELSEA[:60, :60]), 64).pixels.astype(int)
    half = enlarge(compact, Image(CHELSEA[:60, :60]), 64, precision=precision).pixels
    assert np.abs(half - full).max() <= 2 and (half != full).mean() < 0.2
    if precision == "bf16":
        assert (half != full).any()


@pytest.mark.parametrize("gray", [False, True])
def test_no_result_stays_in_memory_while_the_network_works_on_the_next(gray):
    class Watched(nn.Module):
        scale, multiple_of = 2, 1
        results: list[weakref.ref] = []

        def forward(self, lr):
            assert not [result for result in self.results if result() is not None]
            samples = lr.numpy().repeat(2, -2).repeat(2, -1)
            self.results.append(weakref.ref(samples))
            return torch.from_numpy(samples)

    network = Watched()
    for strip in strips(Upscaler(network, tile=64), Image(CHELSEA, was_gray=gray)):
        assert len(strip) <= 64
    assert len(network.results) == 3 * 5


def test_progress_adds_up_and_nan_is_refused(compact):
    done = []
    list(strips(Upscaler(compact, tile=64), Image(CHELSEA), progress=done.append))
    assert len(done) == 3 * 5 and sum(done) == pytest.approx(1)

    class Broken(nn.Module):
        scale, multiple_of = 2, 1

        def forward(self, lr):
            sr = Interpolation(scale=2)(lr)
            sr[0, 0, 3, 3] = float("inf")
            return sr

    with pytest.raises(FloatingPointError, match="NaN or infinite"):
        list(strips(Upscaler(Broken(), tile=64), Image(CHELSEA)))


def test_opaque_stays_opaque(compact):
    image = Image(CHELSEA, alpha=np.full(CHELSEA.shape[:2], 255, np.uint8))
    assert (enlarge(compact, image, 64, alpha_upscale="network").alpha == 255).all()


def test_no_memory_for_a_strip_is_no_fault_of_the_disk():
    with pytest.raises(MemoryError, match="out of memory for 64 rows"):
        _empty((64, 2**42, 1), np.dtype(np.uint8))  # 256 TB, more than a process can address
