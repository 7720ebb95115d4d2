"""sr/image/file.py reads what others wrote (exif, png16, tiff), like Pillow, tifffile, libtiff and the PNG specification."""

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest
import tifffile
from PIL.ExifTags import Base
from PIL.ImageCms import ImageCmsProfile, createProfile

from sr.image.file import check, list_images, read, read_rgb8, size, write
from tests.image.photos import SKIMAGE, decode_png, photo

UNREADABLE = ("broken.png", "truncated_image.png", "hopper_unknown_pixel_mode.tif")
GRAY = ("hopper_gray.jpg", "hopper_gray_4bpp.tif", "hopper_bw_500.png", "l_trns.png", "mode_grayscale_alpha.png",
        "i_trns.png", "12in16bit.tif", "16_bit_noise.tif", "16bit.MM.deflate.tif", "16bit.cropped.tif",
        "uint16_1_4660.tif", "00017_gray.png", "wolf_gray.jpg")  # fmt: skip
SIXTEEN_BIT = ("12in16bit.tif", "16_bit_noise.tif", "16bit.MM.deflate.tif", "16bit.cropped.tif", "uint16_1_4660.tif",
               "i_trns.png", "mode_16bit.png", "tree_alpha_16bit.png")  # fmt: skip
OTHER_COLOURS = ("pil_sample_cmyk.jpg", "hopper.Lab.tif")


def test_every_real_file_is_read_like_pillow_or_refused(sr_data):
    files = [f for folder in ("formats", "photos") for f in sorted((sr_data / "samples" / folder).iterdir())]
    assert len(files) >= 44
    for file in files:
        if file.name in UNREADABLE:
            for function in (read, read_rgb8):
                with pytest.raises(ValueError) as caught:
                    function(file)
                assert str(caught.value).startswith(f"{file}: cannot be read as an image (")
                assert "\n" not in str(caught.value)
            continue
        image = read(file)
        check(file)
        assert image.pixels.shape == (*size(file), 3), file
        assert image.was_gray == (file.name in GRAY), file
        assert image.pixels.dtype == (np.uint16 if file.name in SIXTEEN_BIT else np.uint8), file
        if file.name in SIXTEEN_BIT + OTHER_COLOURS:
            continue
        expected = PIL.ImageOps.exif_transpose(PIL.Image.open(file))
        assert (image.alpha is not None) == expected.has_transparency_data, file
        expected = np.array(expected.convert("RGBA"))
        np.testing.assert_array_equal(image.pixels, expected[..., :3], err_msg=str(file))
        np.testing.assert_array_equal(read_rgb8(file), expected[..., :3], err_msg=str(file))
        if image.alpha is not None:
            np.testing.assert_array_equal(image.alpha, expected[..., 3], err_msg=str(file))


@pytest.mark.parametrize("name", ["photos/tree_alpha_16bit.png", "formats/mode_16bit.png", "formats/i_trns.png"])
def test_16_bit_png_like_the_specification(sr_data, name):
    image, expected = read(sr_data / "samples" / name), decode_png(sr_data / "samples" / name)
    if name.endswith("i_trns.png"):  # its chunk tRNS says that gray 255 is transparent
        np.testing.assert_array_equal(image.alpha, np.where(expected[..., 0] == 255, 0, 65535))
    else:
        np.testing.assert_array_equal(image.alpha, expected[..., 3])
    np.testing.assert_array_equal(image.pixels, np.broadcast_to(expected[..., :3], image.pixels.shape))


def test_16_bit_tiff_like_pillow_and_libtiff(sr_data):
    imagecodecs = pytest.importorskip("imagecodecs")
    for name in ("12in16bit.tif", "16_bit_noise.tif", "16bit.MM.deflate.tif", "16bit.cropped.tif", "uint16_1_4660.tif"):
        file = sr_data / "samples" / "formats" / name
        np.testing.assert_array_equal(read(file).pixels[..., 1], np.array(PIL.Image.open(file)).astype(np.uint16))
    file = sr_data / "samples" / "satellite" / "RGBA.uint16.tif"
    expected, image = imagecodecs.tiff_decode(file.read_bytes()), read(file)
    assert expected.shape == (411, 634, 4)
    np.testing.assert_array_equal(np.dstack([image.pixels, image.alpha]), expected)


def test_cmyk_and_lab(sr_data):
    formats = sr_data / "samples" / "formats"
    cmyk = 255 - np.array(PIL.Image.open(formats / "pil_sample_cmyk.jpg")).astype(float)
    assert np.abs(read(formats / "pil_sample_cmyk.jpg").pixels - cmyk[..., :3] * cmyk[..., 3:] / 255).max() <= 1
    # The same portrait in RGB: the way there through 8-bit Lab costs 2 levels, any other reading of a and b some 30.
    lab, rgb = (read(formats / name).pixels.astype(float) for name in ("hopper.Lab.tif", "hopper.png"))
    assert np.abs(lab - rgb).mean() < 3


@pytest.mark.parametrize("profile", [b"not a profile" * 20, ImageCmsProfile(createProfile("sRGB")).tobytes()])
def test_cmyk_with_a_profile_that_is_none_of_cmyk(tmp_path, profile):
    for name, options in {"plain": {}, "profile": {"icc_profile": profile}}.items():
        PIL.Image.fromarray(photo()).convert("CMYK").save(tmp_path / f"{name}.tif", **options)
    image = read(tmp_path / "profile.tif")
    np.testing.assert_array_equal(image.pixels, read(tmp_path / "plain.tif").pixels)
    assert image.icc_profile is None


@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA", "L", "LA", "CMYK"])
def test_pixels_can_be_written_to(tmp_path, mode):
    """torch warns of arrays that cannot, in the middle of a progress bar."""
    PIL.Image.fromarray(photo()).convert(mode).save(tmp_path / "a.tif")
    assert read(tmp_path / "a.tif").pixels.flags.writeable and read_rgb8(tmp_path / "a.tif").flags.writeable


def test_turned_photos_are_upright_and_alike(sr_data):
    formats = sr_data / "samples" / "formats"
    three, six = (read(formats / f"hopper_orientation_{n}.jpg") for n in (3, 6))
    hopper = read(formats / "hopper.png").pixels.astype(float)
    for image in (three, six):
        assert np.abs(image.pixels - hopper).mean() < 8  # JPEG
        assert np.abs(np.rot90(image.pixels, 2) - hopper).mean() > 30


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_and_reset(tmp_path, extension, orientation):
    file, again = tmp_path / f"a{extension}", tmp_path / f"b{extension}"
    exif = PIL.Image.Exif()
    exif[Base.Orientation], exif[Base.Make] = orientation, "Leica"
    PIL.Image.fromarray(photo()).save(file, exif=exif)
    expected = np.array(PIL.ImageOps.exif_transpose(PIL.Image.open(file)))
    assert expected.shape[:2] == ((56, 40) if orientation > 4 else (40, 56)) == size(file)
    np.testing.assert_array_equal(read(file).pixels, expected)
    np.testing.assert_array_equal(read_rgb8(file), expected)

    write(again, read(file))
    tags = PIL.Image.open(again).getexif()
    assert tags.get(Base.Orientation, 1) == 1 and tags[Base.Make] == "Leica"
    assert np.array(PIL.ImageOps.exif_transpose(PIL.Image.open(again))).shape == expected.shape


@pytest.mark.parametrize("orientation", [3, 6])
def test_orientation_of_16_bit(tmp_path, orientation):
    pixels = photo(dtype=np.uint16)
    expected = {3: np.rot90(pixels, 2), 6: np.rot90(pixels, -1)}[orientation]
    file = tmp_path / "a.tif"
    tifffile.imwrite(file, pixels, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    assert size(file) == expected.shape[:2]
    np.testing.assert_array_equal(read(file).pixels, expected)


@pytest.mark.parametrize(
    "options",
    [
        {"bigtiff": True, "extrasamples": ["unassalpha"]},
        {"byteorder": ">", "extrasamples": ["unassalpha"]},
        {"compression": "lzw", "predictor": True, "extrasamples": ["unassalpha"]},
        {"planarconfig": "separate", "extrasamples": ["unassalpha"]},
    ],
    ids=lambda options: "-".join(options),
)
def test_kinds_of_16_bit_tiff(tmp_path, options):
    samples = np.dstack([photo(dtype=np.uint16), photo(dtype=np.uint16, seed=1)[..., 0]])
    stored = np.moveaxis(samples, -1, 0) if "planarconfig" in options else samples
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", **options)
    image = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(np.dstack([image.pixels, image.alpha]), samples)
    assert size(tmp_path / "a.tif") == (40, 56)


def test_premultiplied_alpha_and_white_as_zero(tmp_path):
    pixels, alpha = photo(dtype=np.uint16), np.full((40, 56, 1), 40000, np.uint16)
    premultiplied = np.rint(pixels * (alpha / 65535)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", np.dstack([premultiplied, alpha]), photometric="rgb", extrasamples=["assocalpha"])
    assert np.abs(read(tmp_path / "a.tif").pixels.astype(int) - pixels).max() <= 1
    tifffile.imwrite(tmp_path / "b.tif", pixels[..., 0], photometric="miniswhite")
    np.testing.assert_array_equal(read(tmp_path / "b.tif").pixels[..., 2], 65535 - pixels[..., 0])


def test_photos_of_scikit_image():
    files = [file for file in list_images(SKIMAGE) if file.suffix in (".png", ".jpg")]
    assert len(files) > 15
    for file in files:
        expected = np.array(PIL.Image.open(file).convert("RGB"))
        if file.suffix == ".png" and file.read_bytes()[24] == 16:  # Pillow dropped half of it
            expected = decode_png(file)[..., :3]
            assert expected.dtype == read(file).pixels.dtype == np.uint16
        else:
            np.testing.assert_array_equal(read_rgb8(file), expected)
        np.testing.assert_array_equal(read(file).pixels, expected)
        assert size(file) == expected.shape[:2]


def test_list_images(tmp_path):
    for name in ("b/2.JPG", "b/10.tiff", "a.png", ".hidden.png", ".git/x.png", "notes.txt", "c/d/e.WebP", "._a.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "c" / "loop").symlink_to(tmp_path)
    names = [str(file.relative_to(tmp_path)) for file in list_images(tmp_path)]
    assert names == ["a.png", "b/10.tiff", "b/2.JPG", "c/d/e.WebP"]
    with pytest.raises(FileNotFoundError, match="no such folder"):
        list_images(tmp_path / "nothing")
