"""Image files <-> arrays and tensors: the only place that handles channel order, bit depth, alpha and orientation.

Reads the formats in formats.py, and the first frame or page of animations; writer.py writes some of them. Pillow does most
of it, png16.py and tiff.py the rest; facts.py reports what is dropped. Of rasters (rasters.py) only the size is told here.
An image of more than 178,956,970 pixels (Pillow's limit against decompression bombs) is refused: cut it into parts.
"""

import errno
import os
import stat
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL.Image
import torch
from PIL import ImageCms
from torch import Tensor

from sr.errors import InputError, MissingError
from sr.functional.pixels import levels
from sr.image import exif, formats, png16, rasters, tiff
from sr.image.facts import Facts, of_picture, of_tiff
from sr.image.raster import Raster
from sr.image.writer import Writer, one_line, to_8bit

_LITTER = ("Thumbs.db", "desktop.ini")  # files that operating systems leave in folders
ROWS = 64  # rows of an image converted at once
GRAY_MODES = ("1", "L", "LA")
COLOUR_MODES = ("P", "PA", "RGB", "RGBX", "RGBA", "RGBa", "YCbCr")
DEEP_MODES = ("I", "I;16", "I;16B")  # Pillow modes of JPEG 2000 and PPM: gray scaled to 16 bits
# System errors about this file, as opposed to errors of the machine.
_FILE_ERRORS = (errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.EIO)
_FILE_ERRORS += (errno.ENAMETOOLONG, errno.ESTALE)


@dataclass(frozen=True)
class Image:
    """An upright image and what its file says about it.

    Args:
        pixels: (H, W, 3) uint8 or uint16, RGB; a gray image has three equal channels.
        alpha: (H, W) of the same type, not premultiplied, or None.
        was_gray: whether the file was gray, so that `write` makes a gray file again.
        icc_profile: colour profile of the pixels, or None.
        exif: EXIF block without orientation (it has been applied), or None.
        facts: what else the file contains, such as further frames.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    was_gray: bool = False
    icc_profile: bytes | None = None
    exif: bytes | None = None
    facts: Facts = Facts()


def list_images(folder: str | Path) -> list[Path]:
    """Image files in a folder and its sub-folders, sorted, selected by name; hidden files are skipped, links are followed.

    Broken links, and empty folders named like an image, are included: reading reports what is wrong. Raises MissingError if
    the folder does not exist.
    """
    return scan(folder)[0]


def scan(folder: str | Path, readable: Callable[[str | Path], bool] = formats.is_read) -> tuple[list[Path], Counter[str]]:
    """`list_images`, of names that are `readable`, and the number of other files per extension."""
    if not Path(folder).is_dir():
        raise MissingError(f"{folder}: no such folder")
    found, others, visited = [], Counter(), set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        folders[:] = [] if real in visited else sorted(name for name in folders if not name.startswith("."))
        if real not in visited:  # otherwise a link leads to a folder that is already listed
            images = [name for name in names if not name.startswith(".") and readable(name)]
            found += [Path(parent, name) for name in images]
            if not images and not folders and readable(parent) and parent != str(folder):
                found.append(Path(parent))
            others.update(formats.extension(n) or n for n in names if n not in images and n[0] != "." and n not in _LITTER)
        visited.add(real)
    return sorted(found), others


def size(path: str | Path) -> tuple[int, int]:
    """(height, width) of an upright image, from the file's header only. Raises like `read`."""
    if (raster := _raster(path)) is not None:
        with raster:
            return raster.shape[:2]
    with _reading(path), open(path, "rb") as file:
        if tiff.is_tiff16(file):
            (height, width), turn = tiff.size(file), exif.orientation(tiff.tags(file))
        else:
            image = _open(file)
            (width, height), turn = image.size, exif.orientation(exif.of(image))
    return (width, height) if turn >= 5 else (height, width)


def depth(path: str | Path) -> tuple[int, bool]:
    """Bits per sample that `read` returns, 8 or 16, and whether the file is gray; from its header. Raises like `read`."""
    with _reading(path), open(path, "rb") as file:
        bits = _facts(file).kept_bits
        if tiff.is_tiff16(file):
            return bits, tiff.is_gray(file)
        mode = _open(file).mode
        return bits, mode in (*GRAY_MODES, *DEEP_MODES)


def check(path: str | Path) -> None:
    """Check for damage without decoding: checksums and end of a PNG, headers of other formats. Raises like `read`."""
    if (raster := _raster(path)) is not None:
        return raster.close()
    with _reading(path), open(path, "rb") as file:
        if not tiff.is_tiff16(file):
            _open(file).verify()


def read_rgb8(path: str | Path) -> np.ndarray:
    """Read an image as (H, W, 3) uint8 RGB, upright: gray becomes RGB, the rest is dropped as `not_used` says.

    Raises like `read`.
    """
    with _reading(path), open(path, "rb") as file:
        if not png16.is_png16(file) and not tiff.is_tiff16(file):
            image = _open(file)
            if image.mode == "RGB":
                return np.ascontiguousarray(_upright(np.array(image), exif.orientation(exif.of(image))))
    return to_8bit(read(path).pixels)


def read(path: str | Path) -> Image:
    """Read an image file, 8 or 16 bit, upright, with alpha, colour profile and EXIF.

    CMYK (by its profile if valid) and Lab become sRGB; palettes become RGB; transparent colours become alpha. Raises
    InputError with one line if the file is broken, truncated, too large, unsupported, a broken link, or not readable;
    MissingError if it does not exist. Other OSErrors, such as too many open files, are raised unchanged.
    """
    with _reading(path), open(path, "rb") as file:
        facts = _facts(file)
        samples, profile, tags = _decode(file)
        samples, block = _upright(samples, exif.orientation(tags)), exif.encode(tags)
    if tags and block is None:
        facts = replace(facts, broken_exif=True)
    channels = samples.shape[2]
    return Image(
        pixels=np.repeat(samples[..., :1], 3, axis=2) if channels < 3 else np.ascontiguousarray(samples[..., :3]),
        alpha=np.ascontiguousarray(samples[..., -1]) if channels in (2, 4) else None,
        was_gray=channels < 3,
        icc_profile=profile or None,
        exif=block,
        facts=facts,
    )


def not_used(path: str | Path, bits: int = 8) -> list[str]:
    """What `read_rgb8`, or with bits=16 `read`, drops from a file, as `Facts.not_used`; raises like `read`.

    Alpha is reported if something is transparent.
    """
    with _reading(path), open(path, "rb") as file:
        facts = _facts(file)
    if facts.alpha:
        image = read(path)
        facts = replace(facts, alpha=bool((image.alpha < np.iinfo(image.alpha.dtype).max).any()))
    return facts.not_used(bits)


def write(path: str | Path, image: Image) -> None:
    """Write an image file in the format of its extension; creates missing folders.

    PNG and TIFF keep 16 bit; JPEG (quality 95, 4:4:4), BMP and WebP (lossless) round to 8. The write is atomic. Raises like
    `sr.image.writer.Writer`.
    """
    channels = (1 if image.was_gray else 3) + (image.alpha is not None)
    with Writer(
        path, (*image.pixels.shape[:2], channels), image.pixels.dtype, icc_profile=image.icc_profile, exif=image.exif
    ) as writer:
        for top in range(0, len(image.pixels), 1024):
            rows = image.pixels[top : top + 1024, :, : 1 if image.was_gray else 3]
            writer.write(rows if image.alpha is None else np.dstack([rows, image.alpha[top : top + 1024]]))


def to_tensor(pixels: np.ndarray) -> Tensor:
    """(H, W, C) or (H, W), uint8 or uint16, to (1, C, H, W) float32 in [0, 1]."""
    tensor = torch.from_numpy(pixels.astype(np.float32)) / np.iinfo(pixels.dtype).max
    return tensor.reshape(*pixels.shape[:2], -1).permute(2, 0, 1)[None].contiguous()


def to_pixels(tensor: Tensor, dtype: np.dtype | type = np.uint8) -> np.ndarray:
    """(1, C, H, W) in [0, 1] to (H, W, C) uint8 or uint16: clipped, rounded half up."""
    found = levels(tensor.detach()[0], np.iinfo(dtype).max)
    return np.ascontiguousarray(found.permute(1, 2, 0).cpu().numpy().astype(dtype))


def _raster(path: str | Path) -> Raster | None:
    """The open raster, if the file is one. Raises like `read`."""
    with _reading(rasters.on_disk(path)):
        pass  # what is there is a file
    return rasters.opened(path)


@contextmanager
def _reading(path: str | Path) -> Iterator[None]:
    """Turn any error of the libraries on a bad file into one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd EXIF tags, and sizes below the limit
            _check_kind(Path(path))
            yield
    except PIL.UnidentifiedImageError:
        reason = formats.other(path) or f"not a file of {', '.join(formats.READ)}, or a broken one"
        raise InputError(f"{path}: cannot be read as an image ({reason})") from None
    except MissingError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FILE_ERRORS:
            raise InputError(f"{path}: cannot be read as an image ({error.strerror})") from None
        if isinstance(error, OSError) and error.errno is not None:  # an error of the system, not of a decoder
            raise
        known = formats.other(path) if os.path.isfile(path) and os.access(path, os.R_OK) else None
        raise InputError(f"{path}: cannot be read as an image ({known or one_line(error)})") from None


def _check_kind(path: Path) -> None:
    """Check that there is a regular file: opening a pipe without a writer would block forever."""
    if path.is_symlink() and not path.exists():
        raise InputError(f"a broken link to {os.readlink(path)}")
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise MissingError(f"{path}: no such file") from None
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        raise InputError(f"{kinds.get(stat.S_IFMT(mode), 'a device')}, not a file")
    if not path.stat().st_size:
        raise InputError("an empty file")


def _open(file: BinaryIO) -> PIL.Image.Image:
    return PIL.Image.open(file, formats=tuple(formats.READ))


def _facts(file: BinaryIO) -> Facts:
    return of_tiff(tiff.tags(file), tiff.pages(file)) if tiff.is_tiff(file) else of_picture(_open(file), file)


def _decode(file: BinaryIO) -> tuple[np.ndarray, bytes | None, PIL.Image.Exif]:
    """Samples (H, W, C) as stored, C = 1 (gray), 2 (gray, alpha), 3 (RGB) or 4 (RGB, alpha); colour profile; EXIF."""
    if png16.is_png16(file):
        image = _open(file)
        return png16.decode(file), image.info.get("icc_profile"), exif.of(image)
    if tiff.is_tiff16(file):
        tags = tiff.tags(file)
        return tiff.decode(file), tags.get(exif.ICC_PROFILE), exif.without_layout(tags)
    image = _open(file)
    image.load()
    profile, tags = image.info.get("icc_profile"), exif.of(image)
    if image.mode in ("CMYK", "LAB"):
        image, profile = _to_srgb(image, profile), None
    elif image.mode in DEEP_MODES and image.format in ("JPEG2000", "PPM"):
        return np.asarray(image).astype(np.uint16)[..., None], profile, tags
    elif image.mode not in GRAY_MODES + COLOUR_MODES:
        raise InputError(f"pixels of Pillow's mode {image.mode}: convert it to gray or RGB of 8 or 16 bits")
    mode = "L" if image.mode in GRAY_MODES else "RGB"
    return _samples(image, mode + "A" if image.has_transparency_data else mode), profile, tags


def _samples(image: PIL.Image.Image, mode: str) -> np.ndarray:
    """(H, W, C) of a converted image, in parts: Pillow's intermediate copies are three times as large as the image."""
    samples = np.empty((image.height, image.width, len(mode)), np.uint8)
    for top in range(0, image.height, ROWS):
        part = image.crop((0, top, image.width, min(top + ROWS, image.height))).convert(mode)
        samples[top : top + ROWS] = np.asarray(part).reshape(part.height, part.width, -1)
    return samples


def _upright(samples: np.ndarray, orientation: int) -> np.ndarray:
    """Rotate and mirror (H, W, C) by EXIF's orientation 1 to 8; other values are ignored."""
    if orientation in (5, 6, 7, 8):
        samples = samples.swapaxes(0, 1)
    rows = -1 if orientation in (3, 4, 7, 8) else 1
    columns = -1 if orientation in (2, 3, 6, 7) else 1
    return samples[::rows, ::columns]


def _to_srgb(image: PIL.Image.Image, profile: bytes | None) -> PIL.Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    if image.mode == "LAB":
        return ImageCms.profileToProfile(image, ImageCms.createProfile("LAB"), srgb, outputMode="RGB")
    if profile:
        with suppress(OSError, ImageCms.PyCMSError):  # a broken profile, or one for other pixels
            return ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(BytesIO(profile)), srgb, outputMode="RGB")
    return image.convert("RGB")
