"""sr/image/writer.py with png and tiff: strips of any height make the same file, whole or not at all; read by others."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import skimage
import tifffile
from PIL.ExifTags import IFD, Base

from sr.image.exif import decode
from sr.image.file import read
from sr.image.png import filtered
from sr.image.tiff import TIFFFile
from sr.image.writer import Writer

ROOT = Path(__file__).resolve().parent.parent.parent
ROCKET = np.array(PIL.Image.open(Path(skimage.__file__).parent / "data" / "rocket.jpg"))[:211, :301]


def written(file: Path, samples: np.ndarray, height: int, **options) -> bytes:
    with Writer(file, samples.shape, samples.dtype, **options) as writer:
        for top in range(0, len(samples), height):
            writer.write(samples[top : top + height])
    return file.read_bytes()


def sixteen(samples: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, samples.shape, dtype=np.uint16)
    return samples.astype(np.uint16) * 256 + noise


@pytest.mark.parametrize("extension", [".png", ".tif", ".jpg", ".webp", ".bmp"])
def test_strips_of_any_height_make_the_same_file(tmp_path, extension):
    whole = written(tmp_path / f"a{extension}", ROCKET, len(ROCKET))
    for height in (1, 64, 100):
        assert written(tmp_path / f"b{extension}", ROCKET, height) == whole
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"a{extension}", f"b{extension}"]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("extension", [".png", ".tif"])
def test_others_read_it(tmp_path, extension, depth, channels):
    imagecodecs = pytest.importorskip("imagecodecs")
    samples = np.dstack([ROCKET, ROCKET[::-1, :, :1]])[..., 4 - channels :]
    samples = samples if depth == 8 else sixteen(samples)
    data = written(tmp_path / f"a{extension}", samples, 50)
    decode = imagecodecs.png_decode if extension == ".png" else imagecodecs.tiff_decode  # libpng, libtiff
    np.testing.assert_array_equal(decode(data).reshape(samples.shape), samples)


def test_png_is_not_larger_than_pillow_makes_it(tmp_path):
    photo = np.array(PIL.Image.open(Path(skimage.__file__).parent / "data" / "rocket.jpg"))
    PIL.Image.fromarray(photo).save(tmp_path / "pillow.png")
    ours = len(written(tmp_path / "ours.png", photo, 64))
    assert ours < 1.1 * (tmp_path / "pillow.png").stat().st_size


def test_each_filter_is_chosen_where_it_fits():
    rng = np.random.default_rng(0)
    noise, slope = rng.integers(0, 255, 300).astype(np.uint8), np.arange(300, dtype=np.uint8)
    assert filtered(np.stack([noise, noise]), 3)[0, 0] == 2  # Up: the line above again
    assert filtered(np.stack([noise, slope]), 3)[0, 0] == 1  # Sub: nothing to do with the line above
    plane = np.add.outer(rng.integers(0, 99, 2), noise // 2).astype(np.uint8)
    assert filtered(plane, 3)[0, 0] in (2, 4)


def test_bigtiff_where_4_gb_may_not_be_enough(tmp_path):
    exif = PIL.Image.Exif()
    exif[Base.Model], exif[IFD.Exif] = "M6", {Base.ISOSpeedRatings: 400}
    with open(tmp_path / "a.tif", "wb") as file:
        big = TIFFFile(
            file, (30000, 50000, 3), np.dtype(np.uint8), icc_profile=None, exif=decode(exif.tobytes(), (30000, 50000))
        )
        strip = np.broadcast_to(np.arange(50000, dtype=np.uint8)[:, None], (1, 50000, 3))
        strip = np.ascontiguousarray(np.repeat(strip, big._rows, axis=0))
        for _ in range(3):
            big.write(strip)
        big.close()
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        page = tiff.pages[0]
        assert tiff.is_bigtiff and page.shape == (30000, 50000, 3)
        for index in range(3):
            data = tiff.filehandle
            data.seek(page.dataoffsets[index])
            segment = page.decode(data.read(page.databytecounts[index]), index)[0]
            np.testing.assert_array_equal(segment.reshape(strip.shape), strip)
        assert page.tags["Model"].value == "M6" and page.tags["ExifTag"].value["ISOSpeedRatings"] == 400


def test_an_error_or_too_few_rows_leave_nothing(tmp_path):
    (tmp_path / "a.png").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), Writer(tmp_path / "a.png", ROCKET.shape, np.uint8) as writer:
        writer.write(ROCKET[:100])
        assert len(list(tmp_path.iterdir())) == 2
        raise KeyboardInterrupt
    writer = Writer(tmp_path / "a.png", ROCKET.shape, np.uint8)
    writer.write(ROCKET[:100])
    with pytest.raises(ValueError, match=r"a\.png: cannot be written \(100 of 211 rows were written\)"):
        writer.close()
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"] and (tmp_path / "a.png").read_bytes() == b"old"


@pytest.mark.parametrize("name, shape", [("a.webp", (16384, 8, 3)), ("a.jpg", (8, 70000, 3)), ("b.jpg", (8, 8, 4))])
def test_what_a_format_cannot_hold_is_refused_before_the_first_row(tmp_path, name, shape):
    with pytest.raises(ValueError, match=f"{name}: cannot be written .*choose .png"):
        Writer(tmp_path / name, shape, np.uint8)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name, shape", [("a.png", (2**31, 8, 3)), ("a.tif", (8, 2**32, 3))])
def test_what_no_format_holds_is_refused(tmp_path, name, shape):
    with pytest.raises(ValueError, match=f"{name}: cannot be written .*pixels"):
        Writer(tmp_path / name, shape, np.uint8)


JOB = """
import resource, sys
from pathlib import Path
import PIL.Image, torch
from sr.network.interpolation import Interpolation
from sr.predict.files import predict_files
source, target = Path(sys.argv[1]), Path(sys.argv[2])
result = predict_files(Interpolation(scale=4, kernel="nearest"), [(source, target)], precision=32)
assert result.written == 1
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def png_bytes(file: Path) -> int:
    """Length of the lines in a PNG, its checksums verified."""
    total, pixels = 0, zlib.decompressobj()
    with open(file, "rb") as stream:
        stream.seek(8)
        while name := (head := stream.read(8))[4:]:
            body = stream.read(struct.unpack(">I", head[:4])[0])
            assert zlib.crc32(name + body) == struct.unpack(">I", stream.read(4))[0]
            total += len(pixels.decompress(body)) if name == b"IDAT" else 0
    assert name == b"" and pixels.eof
    return total


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("extension", [".png", ".tif"])
def test_16384_x_16384_pixels_within_2_gb(tmp_path, extension):
    tile = np.array(PIL.Image.open(Path(skimage.__file__).parent / "data" / "rocket.jpg"))[:256, :512]
    lr = np.tile(tile, (16, 8, 1))
    PIL.Image.fromarray(lr).save(tmp_path / "lr.png")
    target = tmp_path / f"sr{extension}"
    words = [sys.executable, "-c", JOB, tmp_path / "lr.png", target]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[-1]) < 2000, "MB"
    if extension == ".png":
        assert png_bytes(target) == 16384 * (1 + 3 * 16384)  # Pillow refuses to open so many pixels
    else:
        with tifffile.TiffFile(target) as tiff:
            page = tiff.pages[0]
            assert page.shape == (16384, 16384, 3) and len(page.dataoffsets) > 100
            rows = page.rowsperstrip
            for index in (0, 100, len(page.dataoffsets) - 1):
                tiff.filehandle.seek(page.dataoffsets[index])
                segment = page.decode(tiff.filehandle.read(page.databytecounts[index]), index)[0].squeeze(0)
                y = (np.arange(len(segment)) + index * rows) // 4
                np.testing.assert_array_equal(segment, lr[y].repeat(4, axis=1))


def test_a_profile_for_gray_and_exif_go_with_strips(tmp_path):
    exif = PIL.Image.Exif()
    exif[Base.Make] = "Leica"
    profile = b"\0" * 16 + b"GRAY" + b"\0" * 108
    for extension in (".png", ".tif"):
        written(tmp_path / f"a{extension}", ROCKET[..., :1], 64, icc_profile=profile, exif=exif.tobytes())
        image = read(tmp_path / f"a{extension}")
        assert image.was_gray and image.icc_profile == profile and b"Leica" in image.exif
        written(tmp_path / f"b{extension}", ROCKET, 64, icc_profile=profile)
        assert read(tmp_path / f"b{extension}").icc_profile is None
