"""sr/image/facts.py: what a file holds beside the pixels that are read, and that predict.py and benchmarks say so."""

import re
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import skimage
import tifffile

from sr.benchmark.pairs import Benchmark
from sr.data.source.folder import Folder
from sr.errors import InputError
from sr.image import file as image
from sr.image.facts import Facts
from sr.image.file import not_used, read, write
from sr.network.interpolation import Interpolation
from sr.predict.files import predict_files
from sr.predict.plan import plan

PHOTO = PIL.Image.open(Path(skimage.__file__).parent / "data" / "chelsea.png").crop((0, 0, 60, 40))
SATELLITE = "domains/satellite"
GEO = {
    "samples/satellite/RGB.byte.tif": "EPSG:32618, pixels of 300.038 x 300.042",
    f"{SATELLITE}/multiband/rgbn.tif": "EPSG:32618, pixels of 5 x 5",
    f"{SATELLITE}/singleband/blue.tif": "EPSG:32617, pixels of 900 x 900",  # with overviews, which are no pages
    f"{SATELLITE}/aerial/img-8bit.jp2": "GMLJP2",
}
BANDS = ("landsat8_30m_6band/l8_0000_0288.tif", "multiband/L7_ETMs.tif", "sentinel2_20m_6band/s2_0000_0000.tif")


@pytest.mark.parametrize("name", GEO)
def test_a_georeference_is_named(sr_data, name):
    facts = read(sr_data / name).facts
    assert facts.georeference == GEO[name] and facts.frames == 1
    assert (
        facts.not_kept()["georeference"] == f'its georeference ({GEO[name]}) is not kept: pip install ".[satellite]" keeps it'
    )


@pytest.mark.parametrize("name", BANDS)
def test_bands_that_are_no_rgb_are_refused_by_their_number(sr_data, name):
    for function in (read, image.read_rgb8):
        with pytest.raises(InputError, match=r"\(6 bands: only gray or RGB, with or without alpha, can be read"):
            function(sr_data / SATELLITE / name)


def test_a_band_beside_rgb_is_named(sr_data, tmp_path):
    """The near infrared of rgbn.tif; and of 16 bits."""
    facts = read(sr_data / SATELLITE / "multiband" / "rgbn.tif").facts
    assert facts.extra_bands == 1 and "further bands" in facts.not_kept()
    deep = np.random.default_rng(0).integers(0, 65536, (9, 12, 5), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="rgb", planarconfig="contig", extrasamples=[0, 2])
    again = read(tmp_path / "a.tif")
    assert again.facts.extra_bands == 1
    np.testing.assert_array_equal(np.dstack([again.pixels, again.alpha]), deep[..., [0, 1, 2, 4]])


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16, np.uint32])
def test_samples_that_are_no_picture_are_called_by_their_type(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((8, 8), dtype), photometric="minisblack")
    with pytest.raises(
        InputError, match=r"\((floating-point numbers|signed integers|samples) of \d\d bits: convert it to gray"
    ):
        read(tmp_path / "a.tif")


@pytest.mark.parametrize("kind", ["gif", "webp", "png", "tif", "avif"])
def test_frames_and_pages_are_counted(tmp_path, kind, capsys):
    frames = [PHOTO.rotate(angle) for angle in (0, 20, 40)]
    frames[0].save(tmp_path / f"a.{kind}", save_all=True, append_images=frames[1:])
    PHOTO.save(tmp_path / "still.png")
    assert read(tmp_path / f"a.{kind}").facts.frames == 3
    assert not_used(tmp_path / f"a.{kind}") == ["have several frames or pages; only the first is used"]
    files = plan(tmp_path, tmp_path / "out", format="png")
    assert predict_files(Interpolation(scale=2), files).failed == 1 and not (tmp_path / "out" / "a.png").exists()
    said = capsys.readouterr()
    assert f"a.{kind}: has 3 frames or pages, but a.png holds one picture: pass pages=first" in said.err
    predict_files(Interpolation(scale=2), files, pages="first", overwrite=True)
    said = capsys.readouterr()
    assert f"a.{kind}: only the first of its 3 frames or pages is upscaled" in said.err and "still.png: only" not in said.err
    assert said.out == "2 written, 0 skipped (existing), 0 failed; not kept: further frames or pages of 1 file\n"


@pytest.mark.parametrize("options", [{"bigtiff": True}, {"byteorder": ">"}], ids=lambda options: "-".join(options))
def test_a_thumbnail_is_no_page(tmp_path, options):
    with tifffile.TiffWriter(tmp_path / "a.tif", **options) as writer:
        for subfile in (0, 1, 2):  # a picture, its thumbnail, a page
            writer.write(np.zeros((8, 8, 3), np.uint8), photometric="rgb", subfiletype=subfile)
    assert read(tmp_path / "a.tif").facts.frames == 2


def test_what_a_format_does_not_hold_is_said(sr_data, tmp_path, capsys):
    tree = sr_data / "samples" / "photos" / "tree_alpha_16bit.png"
    assert read(tree).facts.not_kept() == {}
    predict_files(Interpolation(scale=2), plan(tree, tmp_path, format="webp"))
    said = capsys.readouterr()
    assert f"{tree}: its 16 bits become 8 in .webp: format=png keeps them" in said.err
    assert said.out.endswith("0 failed; not kept: depth of 1 file\n")
    wolf = sr_data / "samples" / "photos" / "wolf_gray.jpg"
    predict_files(Interpolation(scale=2), plan(wolf, tmp_path, format="bmp"))
    assert "its colour profile is not kept in .bmp" in capsys.readouterr().err
    predict_files(Interpolation(scale=2), plan(tree, tmp_path))
    assert capsys.readouterr().out == "1 written, 0 skipped (existing), 0 failed\n"


def test_depths_that_pillow_cuts(tmp_path, sr_data):
    rgb = np.repeat(np.arange(4096, dtype=">u2").reshape(64, 64, 1), 3, axis=2)
    (tmp_path / "a.ppm").write_bytes(b"P6\n64 64\n4095\n" + rgb.tobytes())
    assert read(tmp_path / "a.ppm").facts.not_kept() == {"depth": "its 12 bits per sample are read as 8"}
    imagecodecs = pytest.importorskip("imagecodecs")
    (tmp_path / "a.jp2").write_bytes(imagecodecs.jpeg2k_encode(rgb.astype(np.uint16)))
    assert read(tmp_path / "a.jp2").facts.not_kept() == {"depth": "its 16 bits per sample are read as 8"}
    if imagecodecs.AVIF.available:
        (tmp_path / "a.avif").write_bytes(imagecodecs.avif_encode(rgb.astype(np.uint16) // 4, bitspersample=10))
        assert read(tmp_path / "a.avif").facts.not_kept() == {"depth": "its 10 bits per sample are read as 8"}


def test_colours(sr_data, tmp_path):
    formats = sr_data / "samples" / "formats"
    assert read(formats / "pil_sample_cmyk.jpg").facts.not_kept() == {
        "colour space": "its colours (CMYK without a usable profile) become sRGB"
    }
    assert read(formats / "hopper.Lab.tif").facts.not_kept() == {"colour space": "its colours (Lab) become sRGB"}
    assert read(formats / "hopper.iccprofile.tif").facts == Facts()  # sRGB's own
    PIL.Image.fromarray(np.asarray(PHOTO)).save(tmp_path / "linear.png")
    data = (tmp_path / "linear.png").read_bytes()
    chunk = b"gAMA" + struct.pack(">I", 100_000)  # a gamma of 1, which other programs show lighter
    gamma = struct.pack(">I", 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (tmp_path / "linear.png").write_bytes(data[:33] + gamma + data[33:])
    assert read(tmp_path / "linear.png").facts.not_kept() == {"gamma": "its gamma 1 is not kept"}
    assert not_used(formats / "hopper_bw_500.png") == []  # its gAMA is that of sRGB


def test_benchmarks_and_folders_say_it(sr_data, tmp_path):
    for folder, side in (("hr", (40, 60)), ("lr", (20, 30))):
        deep = np.random.default_rng(0).integers(0, 65536, (*side, 3), dtype=np.uint16)
        write(tmp_path / folder / "a.png", image.Image(deep))
        (tmp_path / folder / "clip.mp4").touch()
    with pytest.warns(UserWarning) as warned:
        Benchmark("mine", tmp_path / "hr", 2, lr=tmp_path / "lr").prepare()
    said = [str(warning.message) for warning in warned]
    assert "mine: 2 of 2 images have 16 bits per sample, which are rounded to 8 (a.png is the first)" in said
    assert [
        text for text in said if re.match(r".*/(hr|lr): skipped files that are not readable images: 1 \.mp4", text)
    ] == said[1:] and len(said) == 3
    with pytest.warns(UserWarning) as warned:
        Folder(tmp_path / "hr", tmp_path / "lr").prepare()
    assert len(warned) == 2


def test_exif_that_cannot_be_written_again_is_said(tmp_path):
    """A resolution (tag 282) that is a text."""
    block = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHI4sI", 1, 282, 2, 4, b"abc", 0)
    PHOTO.save(tmp_path / "a.jpg", exif=block)
    assert read(tmp_path / "a.jpg").facts.not_kept() == {"EXIF": "its EXIF is damaged and not kept"}
