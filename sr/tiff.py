"""TIFF beyond Pillow: reads 16-bit colour (by tifffile), writes 8 and 16 bit with EXIF. For `sr/image.py` alone.

Samples are (H, W, C), C = 1 (gray, 0 is black), 2 (gray, alpha), 3 (RGB) or 4 (RGB, alpha); alpha is not premultiplied.
"""

import logging
import zlib
from io import BytesIO
from typing import BinaryIO

import numpy as np
from PIL import TiffImagePlugin as Tiff
from PIL import TiffTags
from PIL.Image import Exif

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two: BigTIFF
MAX_PIXELS = 178_956_970  # where Pillow, too, takes an image for a decompression bomb (2 * MAX_IMAGE_PIXELS)


def is_tiff16(file: BinaryIO) -> bool:
    """Tell whether an open file is a TIFF whose first page has 16 bits a sample."""
    file.seek(0)
    if file.read(4) not in MAGIC:
        file.seek(0)
        return False
    bits = tags(file).get(Tiff.BITSPERSAMPLE)
    return bits == 16 or (isinstance(bits, tuple) and set(bits) == {16})


def size(file: BinaryIO) -> tuple[int, int]:
    """(height, width) of the first page as it is stored, from its tags alone."""
    page = tags(file)
    return page[Tiff.IMAGELENGTH], page[Tiff.IMAGEWIDTH]


def tags(file: BinaryIO) -> Exif:
    """All tags of the first page: its layout, its colour profile, EXIF."""
    file.seek(0)
    header = file.read(8)
    found = Exif()
    found.endian, found.bigtiff = "<" if header.startswith(b"II") else ">", header[:4] in MAGIC[2:]
    start = Tiff.ImageFileDirectory_v2(header + file.read(8) if found.bigtiff else header).next
    found.load_from_fp(file, start)
    file.seek(0)
    return found


def decode(file: BinaryIO) -> np.ndarray:
    """Samples of the first page of a 16-bit TIFF.

    Raises ValueError when they are not gray or RGB, with or without alpha, of unsigned integers, or too many.
    """
    import tifffile

    file.seek(0)
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # of a broken file it tells more than the one line
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages[0]
        colours, alpha = page.photometric.name, page.extrasamples[-1].name if page.extrasamples else ""
        if page.imagelength * page.imagewidth > MAX_PIXELS:
            raise ValueError(f"more than {MAX_PIXELS:,} pixels: cut it into parts")
        if page.dtype != np.uint16 or colours not in ("MINISWHITE", "MINISBLACK", "RGB"):
            raise ValueError(f"{colours} of {page.dtype}: convert it to gray or RGB of 8 or 16 bits")
        samples = page.asarray()
        if page.planarconfig == 2 and page.samplesperpixel > 1:
            samples = np.moveaxis(samples, 0, -1)
    file.seek(0)
    samples = samples.reshape(*samples.shape[:2], -1)
    if samples.shape[2] - (alpha in ("ASSOCALPHA", "UNASSALPHA")) not in (1, 3):
        raise ValueError(f"{samples.shape[2]} channels of unknown meaning: keep gray or RGB, and alpha if there is one")
    if colours == "MINISWHITE":
        samples = np.concatenate([65535 - samples[..., :1], samples[..., 1:]], axis=2)
    return _unpremultiply(samples) if alpha == "ASSOCALPHA" else samples


def encode(samples: np.ndarray, *, icc_profile: bytes | None, exif: Exif | None) -> bytes:
    """TIFF file of uint8 or uint16 samples in one deflated strip.

    Written by hand for the sake of EXIF: Pillow writes no 16-bit colour and no EXIF folder beside compressed pixels,
    tifffile no EXIF folder at all.
    """
    height, width, channels = samples.shape
    strip = zlib.compress(np.ascontiguousarray(samples, dtype=samples.dtype.newbyteorder("<")).tobytes())
    page = Tiff.ImageFileDirectory_v2(b"II*\0\0\0\0\0")
    for tag in exif or ():
        page[tag] = exif.get_ifd(tag) if tag in TiffTags.TAGS_V2_GROUPS else exif[tag]
    page[Tiff.IMAGEWIDTH], page[Tiff.IMAGELENGTH], page[Tiff.ROWSPERSTRIP] = width, height, height
    page[Tiff.BITSPERSAMPLE], page[Tiff.SAMPLESPERPIXEL] = (8 * samples.itemsize,) * channels, channels
    page[Tiff.COMPRESSION] = 8  # Adobe deflate
    page[Tiff.PHOTOMETRIC_INTERPRETATION] = 2 if channels > 2 else 1  # RGB, or gray with 0 as black
    page[Tiff.PLANAR_CONFIGURATION] = 1  # RGBRGB...
    if channels in (2, 4):
        page[Tiff.EXTRASAMPLES] = 2  # alpha, not premultiplied
    if icc_profile:
        page.tagtype[Tiff.ICCPROFILE] = TiffTags.UNDEFINED
        page[Tiff.ICCPROFILE] = icc_profile
    page.tagtype[Tiff.STRIPOFFSETS] = TiffTags.LONG
    page[Tiff.STRIPOFFSETS] = (0,)  # counted from the end of the tags; save() adds where that is
    page[Tiff.STRIPBYTECOUNTS] = (len(strip),)
    file = BytesIO()
    page.save(file)
    return file.getvalue() + strip


def _unpremultiply(samples: np.ndarray) -> np.ndarray:
    alpha = np.maximum(samples[..., -1:].astype(np.float64), 1)
    colour = np.minimum(np.rint(samples[..., :-1] / alpha * 65535), 65535)
    return np.concatenate([colour.astype(np.uint16), samples[..., -1:]], axis=2)
