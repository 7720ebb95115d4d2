"""16-bit PNG, by libpng (imagecodecs): Pillow turns 16-bit colour into 8 bit without a word. For `sr/image.py` alone.

Samples are (H, W, C) uint16 with C = 1 (gray), 2 (gray, alpha), 3 (RGB) or 4 (RGB, alpha).
"""

import struct
import zlib
from typing import BinaryIO

import numpy as np

HEADER_END = 33  # the signature (8 bytes) and IHDR (25 bytes)


def is_png16(file: BinaryIO) -> bool:
    """Tell whether an open file is a PNG of 16 bits a sample (byte 24 is IHDR's bit depth)."""
    file.seek(0)
    head = file.read(25)
    file.seek(0)
    return head.startswith(b"\x89PNG\r\n\x1a\n") and head[24:] == b"\x10"


def decode(file: BinaryIO) -> np.ndarray:
    """Samples of a 16-bit PNG; a transparent colour (tRNS) becomes an alpha channel. A truncated file raises."""
    import imagecodecs

    file.seek(0)
    samples = imagecodecs.png_decode(file.read())
    return samples.reshape(*samples.shape[:2], -1)


def encode(samples: np.ndarray, *, icc_profile: bytes | None, exif: bytes | None) -> bytes:
    """PNG file of 16-bit samples; `exif` is a TIFF structure without the "Exif" prefix of JPEG."""
    import imagecodecs

    plain = imagecodecs.png_encode(np.ascontiguousarray(samples.squeeze(2) if samples.shape[2] == 1 else samples))
    extra = b""
    if icc_profile:
        extra += _chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc_profile))
    if exif:
        extra += _chunk(b"eXIf", exif)
    return plain[:HEADER_END] + extra + plain[HEADER_END:]


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
