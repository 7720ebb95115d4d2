"""Pixels of photographs, and a PNG decoder in plain Python."""

import struct
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps
import skimage

SKIMAGE = Path(skimage.__file__).parent / "data"  # photos inside the scikit-image package


def photo(height: int = 40, width: int = 56, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    """A corner of the astronaut, (H, W, 3); as 16 bit with noise in the low byte, which 8 bit cannot keep."""
    pixels = np.array(PIL.Image.open(SKIMAGE / "astronaut.png").convert("RGB"))[60 : 60 + height, 180 : 180 + width]
    if dtype == np.uint8:
        return pixels
    return pixels.astype(np.uint16) * 256 + np.random.default_rng(seed).integers(0, 256, pixels.shape, dtype=np.uint16)


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
