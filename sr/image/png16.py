"""Reads 16-bit PNG with libpng (imagecodecs): Pillow silently turns 16-bit colour into 8 bit. Only for file.py.

Samples are (H, W, C) uint16 with C = 1 (gray), 2 (gray, alpha), 3 (RGB) or 4 (RGB, alpha).
"""

from typing import BinaryIO

import numpy as np


def is_png16(file: BinaryIO) -> bool:
    """Whether an open file is a PNG with 16 bits per sample (byte 24 is IHDR's bit depth)."""
    file.seek(0)
    head = file.read(25)
    file.seek(0)
    return head.startswith(b"\x89PNG\r\n\x1a\n") and head[24:] == b"\x10"


def decode(file: BinaryIO) -> np.ndarray:
    """Samples of a 16-bit PNG; a transparent colour (tRNS) becomes an alpha channel. Raises on a truncated file."""
    import imagecodecs

    file.seek(0)
    samples = imagecodecs.png_decode(file.read())
    return samples.reshape(*samples.shape[:2], -1)
