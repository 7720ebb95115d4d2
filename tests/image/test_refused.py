"""sr/image/file.py refuses broken files, and what is no file, in one line."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest
import tifffile

from sr.image import tiff
from sr.image.file import Image, check, read, read_rgb8, size, write
from tests.image.photos import photo


def truncated(file: Path, folder: Path, fraction: float) -> Path:
    data = file.read_bytes()
    cut = folder / f"cut{file.suffix}"
    cut.write_bytes(data[: int(len(data) * fraction)])
    return cut


def test_other_depths_are_refused(tmp_path):
    for name, samples in {
        "int16": photo()[..., 0].astype(np.int16),
        "float32": photo()[..., 0].astype(np.float32),
        "five": np.zeros((8, 8, 5), np.uint16),
    }.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", samples, photometric="minisblack", planarconfig="contig")
        with pytest.raises(ValueError, match=f"{name}.tif: cannot be read as an image"):
            read(tmp_path / f"{name}.tif")


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
