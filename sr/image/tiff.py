"""TIFF beyond Pillow: reads 16-bit colour (with tifffile), writes 8 and 16 bit with EXIF strip by strip.

Only for `sr/image/file.py` and `sr/image/writer.py`.

Samples are (H, W, C), C = 1 (gray, 0 is black), 2 (gray, alpha), 3 (RGB) or 4 (RGB, alpha); alpha is not premultiplied.
"""

import logging
import struct
import warnings
import zlib
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import TiffImagePlugin as Tiff
from PIL import TiffTags
from PIL.Image import Exif

from sr.errors import InputError

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two are BigTIFF
STRIP_BYTES = 2**20  # before compression: small enough for every reader, large enough to compress well
LEVEL = 6  # of zlib
SUBFILE_TYPE = 254
MAX_PIXELS = 178_956_970  # Pillow's limit against decompression bombs (2 * MAX_IMAGE_PIXELS)


def is_tiff(file: BinaryIO) -> bool:
    """Whether an open file is a TIFF."""
    file.seek(0)
    magic = file.read(4)
    file.seek(0)
    return magic in MAGIC


def is_tiff16(file: BinaryIO) -> bool:
    """Whether an open file is a TIFF whose first page has 16 bits per sample.

    Raises InputError if its samples are not unsigned integers, or its bands are not gray or RGB with or without alpha.
    """
    if not is_tiff(file):
        return False
    found = tags(file)
    _check_samples(found)
    bits = found.get(Tiff.BITSPERSAMPLE)
    return bits == 16 or (isinstance(bits, tuple) and set(bits) == {16})


def size(file: BinaryIO) -> tuple[int, int]:
    """(height, width) of the first page as stored, from its tags only."""
    page = tags(file)
    return page[Tiff.IMAGELENGTH], page[Tiff.IMAGEWIDTH]


def is_gray(file: BinaryIO) -> bool:
    """Whether the first page is gray, from its tags only."""
    return tags(file).get(Tiff.PHOTOMETRIC_INTERPRETATION) in (0, 1)  # white is 0 or the largest value


def tags(file: BinaryIO) -> Exif:
    """All tags of the first page: its layout, its colour profile, EXIF."""
    file.seek(0)
    start, found = file.read(4), Exif()
    found.endian, found.bigtiff = "<" if start.startswith(b"II") else ">", start in MAGIC[2:]
    found.load_from_fp(file, _directory(file).next)
    file.seek(0)
    return found


def pages(file: BinaryIO) -> int:
    """Number of pages of a TIFF without thumbnails, overviews and masks (NewSubfileType)."""
    page, seen, count = _directory(file), set(), 0
    while (at := page.next) and at not in seen:
        seen.add(at)
        file.seek(at)
        page.next = None
        page.load(file)  # for a truncated file it warns, and finds no next page
        if page.next is None:
            raise InputError("the list of its pages is cut off: the file is truncated or broken")
        count += not page.get(SUBFILE_TYPE, 0) & (1 | 4)  # a reduced image, a mask
    file.seek(0)
    return count


def described(path: str | Path) -> tuple[Exif, int] | None:
    """Tags of the first page and the number of pages, for formats that may claim the file; None: no TIFF, or a broken one."""
    with open(path, "rb") as file:
        if not is_tiff(file):
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return tags(file), pages(file)
        except Exception:  # which the reader reports
            return None


def plain(found: Exif) -> bool:
    """Whether samples are unsigned whole numbers of at most 16 bits."""
    unsigned = set(many(found.get(Tiff.SAMPLEFORMAT))) <= {1}
    return unsigned and max(many(found.get(Tiff.BITSPERSAMPLE)), default=1) <= 16


def _directory(file: BinaryIO) -> Tiff.ImageFileDirectory_v2:
    """An empty tag directory whose `next` points to that of the first page."""
    file.seek(0)
    header = file.read(8)
    if header.startswith(b"MM\0+"):  # Pillow cannot read it
        raise InputError("a big-endian BigTIFF: rewrite it first, as by gdal_translate -co ENDIANNESS=LITTLE")
    return Tiff.ImageFileDirectory_v2(header + file.read(8) if header[:4] in MAGIC[2:] else header)


def _check_samples(found: Exif) -> None:
    """Refuse what Pillow would not recognise, or would misinterpret."""
    formats, bits, extra = (many(found.get(tag)) for tag in (Tiff.SAMPLEFORMAT, Tiff.BITSPERSAMPLE, Tiff.EXTRASAMPLES))
    if not set(formats) <= {1} or max(bits, default=1) > 16:
        kind = {2: "signed integers", 3: "floating-point numbers"}.get(formats[0] if formats else 1, "samples")
        raise InputError(f"{kind} of {max(bits, default=1)} bits: convert it to gray or RGB of 8 or 16 bits")
    bands = found.get(Tiff.SAMPLESPERPIXEL, 1) - (bool(extra) and extra[-1] in (1, 2))
    if found.get(Tiff.PHOTOMETRIC_INTERPRETATION) in (0, 1) and bands not in (1, 3):
        raise InputError(
            f"{bands} bands: only gray or RGB, with or without alpha, can be read; write three of them as RGB first, "
            "as by gdal_translate -b 3 -b 2 -b 1"
        )


def many(value: object) -> tuple:
    """A tag's value as a tuple of several, one or no elements."""
    return value if isinstance(value, tuple) else () if value is None else (value,)


def decode(file: BinaryIO) -> np.ndarray:
    """Samples of the first page of a 16-bit TIFF.

    Raises InputError if they are not gray or RGB, with or without alpha, of unsigned integers, or too many.
    """
    import tifffile

    file.seek(0)
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it logs several lines about a broken file
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages[0]
        colours, alpha = page.photometric.name, page.extrasamples[-1].name if page.extrasamples else ""
        if page.imagelength * page.imagewidth > MAX_PIXELS:
            raise InputError(f"more than {MAX_PIXELS:,} pixels: cut it into parts")
        if page.dtype != np.uint16 or colours not in ("MINISWHITE", "MINISBLACK", "RGB"):
            raise InputError(f"{colours} of {page.dtype}: convert it to gray or RGB of 8 or 16 bits")
        samples = page.asarray()
        if page.planarconfig == 2 and page.samplesperpixel > 1:
            samples = np.moveaxis(samples, 0, -1)
    file.seek(0)
    samples = samples.reshape(*samples.shape[:2], -1)
    if colours == "RGB" and samples.shape[2] > 3:  # drop further bands
        samples = samples[..., [0, 1, 2, -1] if alpha in ("ASSOCALPHA", "UNASSALPHA") else [0, 1, 2]]
    if colours == "MINISWHITE":
        samples = np.concatenate([65535 - samples[..., :1], samples[..., 1:]], axis=2)
    return _unpremultiply(samples) if alpha == "ASSOCALPHA" else samples


class TIFFFile:
    """Writes (h, W, C) uint8 or uint16 strips to an open file, deflated; as BigTIFF if 4 GB may not be enough.

    Pillow makes the tag directory: tifffile accepts no nested directories (EXIF, GPS) and asks for strips itself, and
    Pillow's own writer has no 16-bit colour. The tags come before the pixels; the positions of the strips are filled in at
    the end.
    """

    def __init__(
        self, file: BinaryIO, shape: tuple[int, int, int], dtype: np.dtype, *, icc_profile: bytes | None, exif: Exif | None
    ) -> None:
        height, width, channels = shape
        n_bytes = height * width * channels * dtype.itemsize
        self._big = n_bytes * 1.01 > 2**32 - 2**24  # deflate adds at most 0.1 % to what it cannot compress
        rows = max(STRIP_BYTES * height // n_bytes, 1)
        page = Tiff.ImageFileDirectory_v2(b"II+\0\x08\0\0\0" + bytes(8) if self._big else b"II*\0\0\0\0\0")
        for tag in exif or ():
            page[tag] = exif.get_ifd(tag) if tag in TiffTags.TAGS_V2_GROUPS else exif[tag]
        page[Tiff.IMAGEWIDTH], page[Tiff.IMAGELENGTH], page[Tiff.ROWSPERSTRIP] = width, height, min(rows, height)
        page[Tiff.BITSPERSAMPLE], page[Tiff.SAMPLESPERPIXEL] = (8 * dtype.itemsize,) * channels, channels
        page[Tiff.COMPRESSION] = 8  # Adobe deflate
        page[Tiff.PREDICTOR] = 2  # difference to the previous pixel
        page[Tiff.PHOTOMETRIC_INTERPRETATION] = 2 if channels > 2 else 1  # RGB, or gray with 0 as black
        page[Tiff.PLANAR_CONFIGURATION] = 1  # RGBRGB...
        if channels in (2, 4):
            page[Tiff.EXTRASAMPLES] = 2  # alpha, not premultiplied
        if icc_profile:
            page.tagtype[Tiff.ICCPROFILE] = TiffTags.UNDEFINED
            page[Tiff.ICCPROFILE] = icc_profile
        page.tagtype[Tiff.STRIPOFFSETS] = page.tagtype[Tiff.STRIPBYTECOUNTS] = TiffTags.LONG8 if self._big else TiffTags.LONG
        self._file, self._page, self._rows = file, page, rows
        self._lengths = [0] * -(-height // rows)
        self._waiting = np.empty((0, width, channels), dtype)
        self._done = 0
        self._write_tags()

    def write(self, samples: np.ndarray) -> None:
        """Add rows below the existing ones."""
        while len(samples):
            missing = self._rows - len(self._waiting)
            self._waiting, samples = np.concatenate([self._waiting, samples[:missing]]), samples[missing:]
            if len(self._waiting) == self._rows:
                self._strip(self._waiting)
                self._waiting = self._waiting[:0]

    def close(self) -> None:
        """Finish the file, which stays open."""
        if len(self._waiting):
            self._strip(self._waiting)
        self._file.seek(0)
        self._write_tags()

    def _strip(self, samples: np.ndarray) -> None:
        difference = np.concatenate([samples[:, :1], np.diff(samples, axis=1)], axis=1)
        data = zlib.compress(difference.astype(difference.dtype.newbyteorder("<"), copy=False).tobytes(), LEVEL)
        self._file.write(data)
        self._lengths[self._done] = len(data)
        self._done += 1

    def _write_tags(self) -> None:
        """The header and all tags, whose size does not depend on the strips; offsets are counted from their end."""
        self._page[Tiff.STRIPOFFSETS] = tuple(accumulate(self._lengths[:-1], initial=0))
        self._page[Tiff.STRIPBYTECOUNTS] = tuple(self._lengths)
        header = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16) if self._big else struct.pack("<2sHI", b"II", 42, 8)
        self._file.write(header + self._page.tobytes(len(header)))


def _unpremultiply(samples: np.ndarray) -> np.ndarray:
    alpha = np.maximum(samples[..., -1:].astype(np.float64), 1)
    colour = np.minimum(np.rint(samples[..., :-1] / alpha * 65535), 65535)
    return np.concatenate([colour.astype(np.uint16), samples[..., -1:]], axis=2)
