"""sr/image/file.py (exif, png16, tiff) against Pillow, tifffile, imagecodecs' libtiff and a PNG decoder in plain Python."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest
import skimage
import tifffile
import torch
from PIL.ExifTags import IFD, Base
from PIL.ImageCms import ImageCmsProfile, createProfile

from sr.image import tiff
from sr.image.file import Image, check, list_images, read, read_rgb8, size, to_pixels, to_tensor, write
from tests.jobs import small_files

SKIMAGE = Path(skimage.__file__).parent / "data"  # photos inside the scikit-image package
UNREADABLE = ("broken.png", "truncated_image.png", "hopper_unknown_pixel_mode.tif")
GRAY = ("hopper_gray.jpg", "hopper_gray_4bpp.tif", "hopper_bw_500.png", "l_trns.png", "mode_grayscale_alpha.png",
        "i_trns.png", "12in16bit.tif", "16_bit_noise.tif", "16bit.MM.deflate.tif", "16bit.cropped.tif",
        "uint16_1_4660.tif", "00017_gray.png", "wolf_gray.jpg")  # fmt: skip
SIXTEEN_BIT = ("12in16bit.tif", "16_bit_noise.tif", "16bit.MM.deflate.tif", "16bit.cropped.tif", "uint16_1_4660.tif",
               "i_trns.png", "mode_16bit.png", "tree_alpha_16bit.png")  # fmt: skip
OTHER_COLOURS = ("pil_sample_cmyk.jpg", "hopper.Lab.tif")


def photo(height: int = 40, width: int = 56, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    """A corner of the astronaut, (H, W, 3); as 16 bit with noise in the low byte, which 8 bit cannot keep."""
    pixels = np.array(PIL.Image.open(SKIMAGE / "astronaut.png").convert("RGB"))[60 : 60 + height, 180 : 180 + width]
    if dtype == np.uint8:
        return pixels
    return pixels.astype(np.uint16) * 256 + np.random.default_rng(seed).integers(0, 256, pixels.shape, dtype=np.uint16)


def truncated(file: Path, folder: Path, fraction: float) -> Path:
    data = file.read_bytes()
    cut = folder / f"cut{file.suffix}"
    cut.write_bytes(data[: int(len(data) * fraction)])
    return cut


def decode_png(file: Path) -> np.ndarray:
    """(H, W, C) of a PNG of 8 or 16 bits without palette or interlacing, after the PNG specification, sections 5, 9."""
    data, position, pixels = file.read_bytes(), 8, b""
    while position < len(data):
        length, name = struct.unpack(">I4s", data[position : position + 8])
        body = data[position + 8 : position + 8 + length]
        if name == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
        pixels += body if name == b"IDAT" else b""
        position += 12 + length
    step = {0: 1, 2: 3, 4: 2, 6: 4}[colour] * depth // 8
    raw, line, above = zlib.decompress(pixels), width * step, bytes(width * step)
    lines = []
    for start in range(0, len(raw), line + 1):
        kind, row = raw[start], bytearray(raw[start + 1 : start + 1 + line])
        for i in range(line):
            a, b, c = row[i - step] if i >= step else 0, above[i], above[i - step] if i >= step else 0
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2] if kind == 4 else 0
            row[i] = (row[i] + (0, a, b, (a + b) // 2, paeth)[kind]) & 255
        lines.append(above := bytes(row))
    assert len(lines) == height
    return np.frombuffer(b"".join(lines), f">u{depth // 8}").reshape(height, width, -1).astype(f"u{depth // 8}")


# -- real files --------------------------------------------------------------------------------------------------------


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


# -- written by others, read by us -------------------------------------------------------------------------------------


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


def test_other_depths_are_refused(tmp_path):
    for name, samples in {
        "int16": photo()[..., 0].astype(np.int16),
        "float32": photo()[..., 0].astype(np.float32),
        "five": np.zeros((8, 8, 5), np.uint16),
    }.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", samples, photometric="minisblack", planarconfig="contig")
        with pytest.raises(ValueError, match=f"{name}.tif: cannot be read as an image"):
            read(tmp_path / f"{name}.tif")


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


# -- broken files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extension", [".png", ".jpg", ".bmp", ".webp", ".tif", "16.png", "16.tif"])
@pytest.mark.parametrize("fraction", [0.0, 0.05, 0.5, 0.95])
def test_truncated_files_are_refused(tmp_path, extension, fraction):
    whole = tmp_path / f"whole{extension}"
    write(whole, Image(photo(200, 200, np.uint16 if "16" in extension else np.uint8)))
    cut = truncated(whole, tmp_path, fraction)
    for function in (read, read_rgb8):
        with pytest.raises(ValueError, match="cannot be read as an image") as caught:
            function(cut)
        assert str(caught.value).startswith(str(cut)) and "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_damage_of_a_png_is_found_without_decoding(tmp_path, dtype):
    write(whole := tmp_path / "whole.png", Image(photo(200, 200, dtype)))
    check(whole)
    content = bytearray(whole.read_bytes())
    content[len(content) // 2] ^= 1
    (flipped := tmp_path / "flipped.png").write_bytes(content)
    for file in (flipped, *(truncated(whole, tmp_path, fraction) for fraction in (0.0, 0.05, 0.5, 0.95))):
        with pytest.raises(ValueError, match="cannot be read as an image") as caught:
            check(file)
        assert str(caught.value).startswith(str(file)) and "\n" not in str(caught.value)


def test_decompression_bombs_are_refused(tmp_path, monkeypatch):
    header = b"IHDR" + struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    (tmp_path / "bomb.png").write_bytes(png + struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND")))
    with pytest.raises(ValueError, match=r"bomb.png: .*900000000 pixels.* exceeds limit of 178956970"):
        read(tmp_path / "bomb.png")
    write(tmp_path / "a.tif", Image(photo(dtype=np.uint16)))
    monkeypatch.setattr(tiff, "MAX_PIXELS", 40 * 56 - 1)
    with pytest.raises(ValueError, match="more than 2,239 pixels: cut it into parts"):
        read(tmp_path / "a.tif")


def test_sizes_below_the_limit_raise_no_warning(tmp_path, recwarn, monkeypatch):
    PIL.Image.fromarray(photo()).save(tmp_path / "a.png")
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 40 * 56 - 1)  # Pillow warns above it, refuses above the double
    assert read(tmp_path / "a.png").pixels.shape == (40, 56, 3)
    assert not recwarn


@pytest.mark.timeout(20)
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    for reader in (read, read_rgb8, size):
        with pytest.raises(ValueError, match=r"a\.png: cannot be read as an image \(a pipe, not a file\)"):
            reader(tmp_path / "a.png")


def test_missing_file(tmp_path):
    for function in (read, read_rgb8, size):
        with pytest.raises(FileNotFoundError, match=r"none\.png"):
            function(tmp_path / "none.png")


# -- written by us, read by others -------------------------------------------------------------------------------------


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


# -- folders and tensors -----------------------------------------------------------------------------------------------


def test_list_images(tmp_path):
    for name in ("b/2.JPG", "b/10.tiff", "a.png", ".hidden.png", ".git/x.png", "notes.txt", "c/d/e.WebP", "._a.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "c" / "loop").symlink_to(tmp_path)
    names = [str(file.relative_to(tmp_path)) for file in list_images(tmp_path)]
    assert names == ["a.png", "b/10.tiff", "b/2.JPG", "c/d/e.WebP"]
    with pytest.raises(FileNotFoundError, match="no such folder"):
        list_images(tmp_path / "nothing")


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
