from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from skimage import data
from torch import Tensor

from sr.functional.resize import cubic, imresize, mirrored, pad_symmetric


def read(path: Path) -> Tensor:
    return torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)[None]


def modcrop(image: Tensor, scale: int) -> Tensor:
    return image[..., : image.shape[-2] // scale * scale, : image.shape[-1] // scale * scale]


def differing(a: Tensor, b: Tensor) -> int:
    return int(((a * 255).round() != (b * 255).round()).sum())


@pytest.fixture(scope="module")
def photo() -> Tensor:
    return torch.from_numpy(data.chelsea()).permute(2, 0, 1)[None, :, 20:250, 60:375] / 255


@pytest.mark.parametrize("name", ["Set5", "Set14"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_no_pixel_differs_from_matlab(sr_data, name, scale):
    files = sorted((sr_data / "benchmark" / name / "HR").glob("*.png"))
    assert len(files) == {"Set5": 5, "Set14": 14}[name]
    for file in files:
        (lr,) = (sr_data / "benchmark" / name / "LR_bicubic" / f"X{scale}").glob(f"{file.stem}x{scale}.png")
        made = imresize(modcrop(read(file), scale) / 255, 1 / scale, rounding=True)
        assert torch.equal((made * 255).round(), read(lr).float()), file.stem


def exact_downscale(image: np.ndarray, scale: int) -> np.ndarray:
    """uint8 (H, W) by 1/scale in whole numbers: no rounding but the one of each pass."""

    def cubic(x: Fraction) -> Fraction:
        x = abs(x)
        if x <= 1:
            return Fraction(3, 2) * x**3 - Fraction(5, 2) * x**2 + 1
        return -Fraction(1, 2) * x**3 + Fraction(5, 2) * x**2 - 4 * x + 2 if x < 2 else Fraction(0)

    unit, centre = 16 * scale**4, Fraction(scale - 1, 2)
    taps = range(-2 * scale, 3 * scale)
    for axis in (0, 1):
        padded = np.pad(image, [(3 * scale, 3 * scale) if i == axis else (0, 0) for i in (0, 1)], mode="symmetric")
        padded, n = np.moveaxis(padded, axis, 0).astype(np.int64), image.shape[axis]
        weights = [int(cubic((k - centre) / scale) / scale * unit) for k in taps]
        total = sum(w * padded[3 * scale + k : 3 * scale + k + n : scale] for k, w in zip(taps, weights, strict=True))
        image = np.moveaxis(np.clip((2 * total + unit) // (2 * unit), 0, 255), 0, axis)
    return image


@pytest.mark.parametrize("scale", [2, 3, 4, 5, 6, 7, 8])
def test_rounding_is_exact_in_whole_numbers(scale):
    for size in ((64 * scale, 40 * scale), (7 * scale, 5 * scale)):  # a small image is one product of matrices
        pixels = np.random.default_rng(scale).choice([0, 1, 127, 128, 254, 255], size).astype(np.uint8)
        made = imresize(torch.from_numpy(pixels)[None, None] / 255, 1 / scale, rounding=True)
        assert np.array_equal((made * 255).round()[0, 0].numpy(), exact_downscale(pixels, scale))


@pytest.mark.parametrize("kernel", ["cubic", "lanczos3", "bilinear"])
@pytest.mark.parametrize("factor", [(1 / 2, 1 / 2), (1 / 3, 1 / 4), (0.37, 0.73), (2, 3), (12, 11), (1.5, 1.37)])
def test_float_agrees_with_pillow(photo, kernel, factor):
    """Pillow's antialiased kernels are the same inside; at the border it leaves out where MATLAB mirrors."""
    plane = photo[:, :1, :90, :110] * 255
    size = tuple(round(n * f) for n, f in zip(plane.shape[-2:], factor, strict=True))
    filters = Image.Resampling
    filters = {"cubic": filters.BICUBIC, "lanczos3": filters.LANCZOS, "bilinear": filters.BILINEAR}
    expected = torch.from_numpy(np.array(Image.fromarray(plane[0, 0].numpy()).resize(size[::-1], filters[kernel])))
    border = [int(np.ceil(3 * max(f, 1))) for f in factor]
    inside = (slice(border[0], -border[0]), slice(border[1], -border[1]))
    made = imresize(plane, size=size, kernel=kernel)[0, 0]
    assert made.shape == expected.shape
    torch.testing.assert_close(made[inside], expected[inside], rtol=0, atol=2e-3)


@pytest.mark.parametrize("size", [(77, 131), (460, 100), (230, 315)])
def test_without_antialias_it_interpolates(photo, size):
    made = imresize(photo, size=size, kernel="bilinear", antialias=False)
    expected = F.interpolate(photo, size=size, mode="bilinear", align_corners=False)
    torch.testing.assert_close(made, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("rounding", [True, False])
def test_a_patch_with_margin_is_the_crop_of_the_whole(photo, scale, rounding):
    whole = imresize(modcrop(photo, scale), 1 / scale, rounding=rounding)
    top, left, n, margin = 8, 11, 20, 2
    box = [slice((a - margin) * scale, (a + n + margin) * scale) for a in (top, left)]
    patch = imresize(photo[..., box[0], box[1]], 1 / scale, rounding=rounding)[..., margin:-margin, margin:-margin]
    assert torch.equal(patch, whole[..., top : top + n, left : left + n])


@pytest.mark.parametrize("scale", [1 / 2, 1 / 3, 2, 0.41, 7 / 2])
def test_gradient(scale):
    image = torch.rand(1, 2, 5, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: imresize(x, scale), image)


@pytest.mark.parametrize("scale", [1 / 3, 0.613])
def test_gradient_after_inference_mode_filled_the_cache(photo, scale):
    with torch.inference_mode():
        imresize(photo, scale)
    image = photo.clone().requires_grad_()
    imresize(image, scale).square().sum().backward()
    assert image.grad.abs().sum() > 0


@pytest.mark.parametrize("scale", [1 / 2, 3, 0.7])
def test_any_batch_channels_layout_and_autocast(photo, scale):
    alone = imresize(photo, scale, rounding=True)
    batch = torch.cat([photo, photo.flip(1)]).repeat(1, 2, 1, 1).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        made = imresize(batch, scale, rounding=True)
    assert made.dtype == torch.float32 and torch.equal(made, torch.cat([alone, alone.flip(1)]).repeat(1, 2, 1, 1))


def test_size_is_matlabs(photo):
    assert imresize(photo, 1 / 4).shape[-2:] == (58, 79)  # ceil(230 / 4), ceil(315 / 4)
    for s in range(2, 60):
        assert imresize(torch.zeros(1, 1, 3 * s, 7 * s), 1 / s).shape[-2:] == (3, 7)
    assert imresize(photo, size=(20, 315)).shape[-2:] == (20, 315)
    assert torch.equal(imresize(photo, 1), photo)


def test_the_dimension_that_shrinks_most_goes_first(photo):
    made = imresize(photo, size=(115, 105), rounding=True)
    columns_first = imresize(imresize(photo, size=(230, 105), rounding=True), size=(115, 105), rounding=True)
    rows_first = imresize(imresize(photo, size=(115, 315), rounding=True), size=(115, 105), rounding=True)
    assert torch.equal(made, columns_first) and differing(made, rows_first) > 100


def test_half_precision_costs_the_input_only(photo):
    half = photo.half()
    assert imresize(half, 1 / 2).dtype == torch.float16
    assert torch.equal(imresize(half, 1 / 2), imresize(half.float(), 1 / 2).half())


@pytest.mark.parametrize("width", [1, 2, 3, 10])
def test_padding_is_numpys_symmetric(width):
    x = torch.arange(3.0).view(1, 1, 1, 3)
    assert np.array_equal(pad_symmetric(x, -1, width, 4)[0, 0, 0], np.pad(np.arange(3), (width, 4), mode="symmetric"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either scale or size"),
        ({"scale": 2, "size": (4, 4)}, "either scale or size"),
        ({"scale": 0}, "must be positive"),
        ({"scale": 2, "kernel": "nearest"}, "unknown kernel 'nearest'; choose one of cubic, lanczos3, bilinear"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        imresize(torch.zeros(1, 3, 8, 8), **arguments)
    with pytest.raises(ValueError, match="expected a float image"):
        imresize(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), 2)


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
@pytest.mark.parametrize("length", [1, 2, 5])
def test_mirrored_indices_are_those_of_numpys_symmetric_padding(kind, length):
    index = mirrored(kind(np.arange(-12, length + 12)), length)
    assert index.tolist() == np.pad(np.arange(length), 12, mode="symmetric").tolist()


def test_the_cubic_kernel_is_keys_polynomial_for_arrays_and_tensors():
    x = np.linspace(-2.5, 2.5, 41)
    near, far = 1.5 * abs(x) ** 3 - 2.5 * x**2 + 1, -0.5 * abs(x) ** 3 + 2.5 * x**2 - 4 * abs(x) + 2
    expected = np.select([abs(x) <= 1, abs(x) <= 2], [near, far])
    assert np.allclose(cubic(x), expected, rtol=0, atol=1e-15)
    assert torch.equal(cubic(torch.from_numpy(x)), torch.from_numpy(cubic(x)))
