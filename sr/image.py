"""Image files <-> arrays and tensors: the only place that knows channel order, bit depth, alpha and orientation.

Reads PNG, JPEG, BMP, WebP, TIFF and the first frame of GIF; `sr/writer.py` writes all of them but GIF. Pillow does most
of it, `sr/png16.py` and `sr/tiff.py` what it cannot. An image of more than 178,956,970 pixels (Pillow's limit against
decompression bombs) is refused: cut it into parts.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL.Image
import torch
from PIL import ImageCms
from torch import Tensor

from sr import exif, png16, tiff
from sr.errors import InputError, MissingError
from sr.writer import EXTENSIONS, Writer, one_line, to_8bit

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF")  # no others: Pillow's EPS reader, say, starts Ghostscript
ROWS = 64  # of an image that are converted at once
GRAY_MODES = ("1", "L", "LA")
COLOUR_MODES = ("P", "PA", "RGB", "RGBX", "RGBA", "RGBa", "YCbCr")


@dataclass(frozen=True)
class Image:
    """An upright image with what its file says about it.

    Args:
        pixels: (H, W, 3) uint8 or uint16, RGB; a gray image has three equal channels.
        alpha: (H, W) of the same type, not premultiplied, or None.
        was_gray: whether the file was gray, so that `write` makes a gray file again.
        icc_profile: colour profile of the pixels, or None.
        exif: EXIF block without orientation (it has been applied), or None.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    was_gray: bool = False
    icc_profile: bytes | None = None
    exif: bytes | None = None


def list_images(folder: str | Path) -> list[Path]:
    """Image files in a folder and its sub-folders, sorted; hidden files and folders are skipped, links followed.

    Raises FileNotFoundError where there is no such folder.
    """
    if not Path(folder).is_dir():
        raise MissingError(f"{folder}: no such folder")
    found, visited = [], set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        folders[:] = [] if real in visited else sorted(name for name in folders if not name.startswith("."))
        if real not in visited:  # else a link leads to a folder above or beside: its files are listed already
            found += [Path(parent, n) for n in names if not n.startswith(".") and n.lower().endswith(EXTENSIONS)]
        visited.add(real)
    return sorted(found)


def size(path: str | Path) -> tuple[int, int]:
    """(height, width) of an upright image, from the file's header alone. Raises like `read`."""
    with _reading(path), open(path, "rb") as file:
        if tiff.is_tiff16(file):
            (height, width), turn = tiff.size(file), exif.orientation(tiff.tags(file))
        else:
            image = _open(file)
            (width, height), turn = image.size, exif.orientation(exif.of(image))
    return (width, height) if turn >= 5 else (height, width)


def check(path: str | Path) -> None:
    """Look for damage without decoding: at the checksums and the end of a PNG, at the header of others. Raises like `read`."""
    with _reading(path), open(path, "rb") as file:
        if not tiff.is_tiff16(file):
            _open(file).verify()


def read_rgb8(path: str | Path) -> np.ndarray:
    """Read an image as (H, W, 3) uint8 RGB, upright: gray becomes RGB, alpha is dropped, 16 bit rounded to 8.

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

    CMYK (by its profile if it has a sound one) and Lab become sRGB; a palette becomes RGB; transparent colours become alpha.
    Raises ValueError with one line when the file is broken, truncated, too large or of a kind that is not supported;
    FileNotFoundError and other OSErrors of the system as they are.
    """
    with _reading(path), open(path, "rb") as file:
        samples, profile, tags = _decode(file)
        samples, block = _upright(samples, exif.orientation(tags)), exif.encode(tags)
    channels = samples.shape[2]
    return Image(
        pixels=np.repeat(samples[..., :1], 3, axis=2) if channels < 3 else np.ascontiguousarray(samples[..., :3]),
        alpha=np.ascontiguousarray(samples[..., -1]) if channels in (2, 4) else None,
        was_gray=channels < 3,
        icc_profile=profile or None,
        exif=block,
    )


def write(path: str | Path, image: Image) -> None:
    """Write an image file whose format is its name's extension; folders are made where they are missing.

    PNG and TIFF keep 16 bit; JPEG (quality 95, 4:4:4), BMP and WebP (lossless) round it to 8. The file appears whole or
    not at all. Raises like `sr.writer.Writer`.
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
    levels = tensor.detach()[0].float().clamp(0, 1).mul_(np.iinfo(dtype).max).add_(0.5)
    return np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy().astype(dtype))


@contextmanager
def _reading(path: str | Path) -> Iterator[None]:
    """Turn whatever the libraries raise on a bad file into one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd EXIF tags, and of sizes below the limit
            if Path(path).is_fifo():  # nobody may ever write to it, and a thread that waits cannot be stopped
                raise InputError("a pipe")
            yield
    except PIL.UnidentifiedImageError:
        reason = f"not a file of {', '.join(FORMATS)}, or a broken one"
        raise InputError(f"{path}: cannot be read as an image ({reason})") from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:  # the system's word, not that of a decoder
            raise
        raise InputError(f"{path}: cannot be read as an image ({one_line(error)})") from None


def _open(file: BinaryIO) -> PIL.Image.Image:
    return PIL.Image.open(file, formats=FORMATS)


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
    elif image.mode not in GRAY_MODES + COLOUR_MODES:
        raise InputError(f"pixels of Pillow's mode {image.mode}: convert it to gray or RGB of 8 or 16 bits")
    mode = "L" if image.mode in GRAY_MODES else "RGB"
    return _samples(image, mode + "A" if image.has_transparency_data else mode), profile, tags


def _samples(image: PIL.Image.Image, mode: str) -> np.ndarray:
    """(H, W, C) of an image converted, in parts: Pillow's own copies on the way are as large as the image, three times."""
    samples = np.empty((image.height, image.width, len(mode)), np.uint8)
    for top in range(0, image.height, ROWS):
        part = image.crop((0, top, image.width, min(top + ROWS, image.height))).convert(mode)
        samples[top : top + ROWS] = np.asarray(part).reshape(part.height, part.width, -1)
    return samples


def _upright(samples: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror (H, W, C) as EXIF's orientation 1 to 8 says; other values are no orientation."""
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
        with suppress(OSError, ImageCms.PyCMSError):  # a broken profile, or one of another kind of pixels
            return ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(BytesIO(profile)), srgb, outputMode="RGB")
    return image.convert("RGB")
