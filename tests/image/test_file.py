"""sr/image/file.py writes: pixels, alpha, colour profile and EXIF come back, by others' readers too."""

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest
import tifffile
import torch
from PIL.ExifTags import IFD, Base

from sr.image.file import Image, read, read_rgb8, to_pixels, to_tensor, write
from tests.image.photos import decode_png, photo
from tests.jobs import small_files


@pytest.mark.parametrize("gray", [False, True], ids=["rgb", "gray"])
@pytest.mark.parametrize("alpha", [False, True], ids=["opaque", "alpha"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("extension", [".png", ".tif"])
def test_round_trip(tmp_path, extension, dtype, alpha, gray):
    pixels = photo(dtype=dtype)
    pixels = np.repeat(pixels[..., 1:2], 3, axis=2) if gray else pixels
    image = Image(pixels, photo(dtype=dtype, seed=1)[..., 0] if alpha else None, gray)
    write(tmp_path / f"a{extension}", image)
    again = read(tmp_path / f"a{extension}")
    np.testing.assert_array_equal(again.pixels, image.pixels)
    assert again.pixels.dtype == dtype and again.was_gray == gray and (again.alpha is None) != alpha
    if alpha:
        np.testing.assert_array_equal(again.alpha, image.alpha)

    file = tmp_path / f"a{extension}"
    independent = tifffile.imread(file).reshape(40, 56, -1) if extension == ".tif" else decode_png(file)
    np.testing.assert_array_equal(independent[..., 0], image.pixels[..., 0])
    assert independent.dtype == dtype and independent.shape[2] == (1 if gray else 3) + alpha


@pytest.mark.parametrize("extension", [".bmp", ".webp"])
def test_8_bit_formats_lose_nothing_but_depth(tmp_path, extension):
    image = Image(photo(dtype=np.uint16))
    write(tmp_path / f"a{extension}", image)
    expected = np.rint(image.pixels / 257).astype(np.uint8)
    np.testing.assert_array_equal(read(tmp_path / f"a{extension}").pixels, expected)
    write(tmp_path / "a.png", image)
    np.testing.assert_array_equal(read_rgb8(tmp_path / "a.png"), expected)


def test_webp_keeps_alpha_and_the_colour_below(tmp_path):
    image = Image(photo(), photo(seed=1)[::-1, :, 0] // 128 * 255)
    write(tmp_path / "a.webp", image)
    again = read(tmp_path / "a.webp")
    np.testing.assert_array_equal(again.pixels, image.pixels)
    np.testing.assert_array_equal(again.alpha, image.alpha)


def test_jpeg_is_quality_95_without_subsampling(tmp_path):
    write(tmp_path / "a.jpg", Image(photo()))
    PIL.Image.fromarray(photo()).save(tmp_path / "b.jpg", quality=95, subsampling=0)
    written = PIL.Image.open(tmp_path / "a.jpg")
    assert written.quantization == PIL.Image.open(tmp_path / "b.jpg").quantization
    assert [layer[1:3] for layer in written.layer] == [(1, 1)] * 3
    assert np.abs(np.array(written).astype(int) - photo()).mean() < 3


@pytest.mark.parametrize("extension", [".png", ".jpg", ".webp", ".tif", "16.png", "16.tif"])
def test_profile_and_exif_are_kept(tmp_path, extension):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = PIL.Image.Exif()
    exif[Base.Model], exif[Base.Orientation] = "M6", 1
    exif[IFD.Exif] = {Base.ISOSpeedRatings: 400, Base.ExifImageWidth: 56, Base.ExifImageHeight: 40}
    exif[Base.ImageWidth], exif[Base.ImageLength] = 56, 40  # as Photoshop and phones write them too
    PIL.Image.fromarray(photo()).save(tmp_path / "a.jpg", exif=exif, icc_profile=profile)
    source = read(tmp_path / "a.jpg")
    dtype = np.uint16 if "16" in extension else np.uint8
    large = Image(photo(80, 112, dtype), icc_profile=source.icc_profile, exif=source.exif)
    write(tmp_path / f"large{extension}", large)

    written = read(tmp_path / f"large{extension}")
    assert written.icc_profile == profile and written.pixels.dtype == dtype
    tags = PIL.Image.open(tmp_path / f"large{extension}").getexif()
    camera = tags.get_ifd(IFD.Exif)
    assert tags[Base.Model] == "M6" and camera[Base.ISOSpeedRatings] == 400
    assert (camera[Base.ExifImageWidth], camera[Base.ExifImageHeight]) == (112, 80)
    assert (tags[Base.ImageWidth], tags[Base.ImageLength]) == (112, 80)


def test_the_layout_of_another_file_in_exif_breaks_no_tiff(tmp_path):
    """Of a TIFF that was saved as JPEG with all its tags."""
    exif = PIL.Image.Exif()
    exif[Base.SampleFormat], exif[Base.ExtraSamples], exif[Base.FillOrder] = 2, 1, 2
    exif[Base.Make], exif[Base.XPTitle] = "Leica", b"h\0i\0"
    PIL.Image.fromarray(photo()).save(tmp_path / "a.jpg", exif=exif)
    source = read(tmp_path / "a.jpg")
    write(tmp_path / "a.tif", source)
    np.testing.assert_array_equal(np.array(PIL.Image.open(tmp_path / "a.tif")), source.pixels)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), source.pixels)
    tags = PIL.Image.open(tmp_path / "a.tif").getexif()
    assert tags[Base.Make] == "Leica" and tags[Base.XPTitle] == b"h\0i\0"


def test_gray_profile_goes_with_gray_only(sr_data, tmp_path):
    wolf = read(sr_data / "samples" / "photos" / "wolf_gray.jpg")
    assert wolf.icc_profile[16:20] == b"GRAY"
    write(tmp_path / "a.png", wolf)
    assert PIL.Image.open(tmp_path / "a.png").info["icc_profile"] == wolf.icc_profile
    write(tmp_path / "a.webp", wolf)  # RGB
    assert "icc_profile" not in PIL.Image.open(tmp_path / "a.webp").info


@pytest.mark.parametrize("name", ["a.jpg", "a.bmp"])
def test_alpha_is_refused_where_the_format_has_none(tmp_path, name):
    with pytest.raises(ValueError, match=r"have no alpha: choose \.png"):
        write(tmp_path / name, Image(photo(), photo()[..., 0]))
    assert not list(tmp_path.iterdir())


def test_unknown_extension_and_too_large(tmp_path):
    with pytest.raises(ValueError, match=r"a\.gif: cannot be written .*choose one of \.png"):
        write(tmp_path / "a.gif", Image(photo()))
    with pytest.raises(ValueError, match=r"a\.webp: cannot be written"):
        write(tmp_path / "a.webp", Image(np.zeros((1, 16384, 3), np.uint8)))  # WebP ends at 16383
    assert not list(tmp_path.iterdir())


def test_full_disk_leaves_the_old_file(tmp_path):
    write(tmp_path / "a.png", Image(photo()))
    before = (tmp_path / "a.png").read_bytes()
    large = Image(np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8))
    with small_files(100_000), pytest.raises(OSError, match=r"a\.png") as caught:
        write(tmp_path / "a.png", large)
    assert "\n" not in str(caught.value)
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == before


def test_tensors():
    pixels = photo()
    tensor = to_tensor(pixels)
    assert tensor.shape == (1, 3, 40, 56) and tensor.dtype == torch.float32
    for channel in range(3):
        assert tensor[0, channel, 7, 9].item() == pytest.approx(pixels[7, 9, channel] / 255)
    np.testing.assert_array_equal(to_pixels(tensor), pixels)
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    np.testing.assert_array_equal(to_pixels(to_tensor(every), np.uint16)[..., 0], every)
    halves = torch.tensor([-1.0, 0.499 / 255, 0.5 / 255, 1.5 / 255, 2.0]).view(1, 1, 1, 5)
    np.testing.assert_array_equal(to_pixels(halves).ravel(), [0, 0, 1, 2, 255])
