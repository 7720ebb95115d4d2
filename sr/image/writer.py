"""Writes image files in strips, atomically. PNG and TIFF need one strip in memory, other formats the whole image."""

import os
import uuid
from abc import abstractmethod
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import PIL.Image

from sr.errors import InputError, StorageError
from sr.files import Completed, make_folder
from sr.image import exif as tags
from sr.image.png import PNGFile
from sr.image.tiff import TIFFFile

JPEG = (".jpg", ".jpeg", ".jpe", ".jfif")
DEEP = (".png", ".tif", ".tiff")  # formats that keep 16 bits
EXTENSIONS = (".png", *JPEG, ".bmp", ".webp", ".tif", ".tiff")
# Largest sides of the formats.
LONGEST = {**dict.fromkeys(JPEG, 65500), ".webp": 16383, ".bmp": 2**31 - 1, ".png": 2**31 - 1, ".tif": 2**32 - 1}


class StripWriter(Completed):
    """A file that grows by strips of rows and gets its name when it is complete.

    Until then it is a hidden file in the same folder, removed if `with` ends with an error, or by `abort`. Nothing is created
    before the first rows, including folders. A subclass makes the file: `begin`, `add`, `end` and `drop`.

    Args:
        path: the name of the complete file.
        rows: number of its rows.

    Raises:
        InputError: what the format cannot hold. StorageError: naming the file, such as for a full disk; from `write` and
            `close`.
    """

    def __init__(self, path: str | Path, rows: int) -> None:
        self.path, self._needed, self._done, self._begun = Path(path), rows, 0, False
        self._temporary = self.path.with_name(f".{uuid.uuid4().hex}.tmp")

    @abstractmethod
    def begin(self, temporary: Path) -> None:
        """Create the hidden file."""

    @abstractmethod
    def add(self, samples: np.ndarray, valid: np.ndarray | None) -> None:
        """Write rows, as in `write`."""

    @abstractmethod
    def end(self) -> None:
        """Complete the hidden file and close it."""

    @abstractmethod
    def drop(self) -> None:
        """Close the hidden file, which will be removed."""

    def write(self, samples: np.ndarray, valid: np.ndarray | None = None) -> None:
        """Add rows (h, W, C) below the existing ones; `valid` (h, W) is False where there are no data."""
        self._guarded(self._write, samples, valid)

    def close(self) -> None:
        """Finish the file and rename it."""
        self._guarded(self._close)

    def abort(self) -> None:
        """Remove the unfinished file."""
        if self._begun:
            with suppress(Exception):
                self.drop()
            with suppress(OSError):
                self._temporary.unlink()
            self._begun = False

    def _write(self, samples: np.ndarray, valid: np.ndarray | None) -> None:
        if not self._begun:
            make_folder(self.path.parent)
            self._begun = True
            self.begin(self._temporary)
        self.add(samples, valid)
        self._done += len(samples)

    def _close(self) -> None:
        if self._done != self._needed:
            raise InputError(f"{self._done} of {self._needed} rows were written")
        self.end()
        os.replace(self._temporary, self.path)
        self._begun = False

    def _guarded(self, step: Any, *args: Any) -> None:
        try:
            step(*args)
        except BaseException as error:
            self.abort()
            if isinstance(error, OSError) and error.errno is not None:  # an error of the system, not of an encoder
                raise StorageError(error.errno, error.strerror, str(self.path)) from None
            if isinstance(error, Exception):
                self._refuse(one_line(error))
            raise

    def _refuse(self, reason: str) -> None:
        raise InputError(f"{self.path}: cannot be written ({reason})") from None


class Writer(StripWriter):
    """A photograph: PNG, TIFF, JPEG, BMP or WebP.

    Args:
        path: its extension selects the format. PNG and TIFF keep 16 bit; JPEG (quality 95, 4:4:4), BMP and WebP (lossless)
            round it to 8.
        shape: (H, W, C), C = 1 (gray), 2 (gray, alpha), 3 (RGB) or 4 (RGB, alpha; not premultiplied).
        dtype: type of the samples, uint8 or uint16.
        icc_profile, exif: as in `sr.image.file.Image`; if EXIF states a size, it is replaced by that of this image.

    Raises:
        InputError: unknown extension, alpha in JPEG or BMP, a size that the format does not support. Others as StripWriter.
    """

    def __init__(
        self,
        path: str | Path,
        shape: tuple[int, int, int],
        dtype: np.dtype | type,
        *,
        icc_profile: bytes | None = None,
        exif: bytes | None = None,
    ) -> None:
        super().__init__(path, shape[0])
        self.shape, self.dtype = shape, np.dtype(dtype)
        extension = self.path.suffix.lower()
        if extension not in EXTENSIONS:
            self._refuse(f"unknown extension {extension!r}: choose one of {', '.join(EXTENSIONS)}")
        if shape[2] in (2, 4) and extension in (*JPEG, ".bmp"):
            self._refuse(f"{extension} files have no alpha: choose .png, .webp or .tif")
        if max(shape[:2]) > (longest := LONGEST.get(extension, LONGEST[".tif"])):
            self._refuse(f"{shape[1]}x{shape[0]} pixels, but {extension} allows at most {longest}: choose .png or .tif")
        self._options = {"icc_profile": _fitting(icc_profile, shape[2] < 3 and extension != ".webp"), "exif": exif}
        self._file: BinaryIO | None = None
        self._encoder: Any = None

    def begin(self, temporary: Path) -> None:
        self._file = open(temporary, "wb")  # noqa: SIM115  stays open after this call
        self._encoder = self._start(self.path.suffix.lower())

    def add(self, samples: np.ndarray, valid: np.ndarray | None) -> None:
        self._encoder.write(samples)

    def end(self) -> None:
        self._encoder.close()
        self._file.close()

    def drop(self) -> None:
        self._file.close()

    def _start(self, extension: str) -> Any:
        block = self._options["exif"]
        found = tags.decode(block, self.shape) if block else None
        if extension in (".tif", ".tiff"):
            found = tags.fitting_tiff(found) if found else None
            return TIFFFile(self._file, self.shape, self.dtype, **self._options | {"exif": found})
        block = found.tobytes() if found else None
        if extension == ".png":
            block = block and block.removeprefix(b"Exif\0\0")
            return PNGFile(self._file, self.shape, self.dtype, **self._options | {"exif": block})
        return WholeFile(self._file, self.shape, extension, **self._options | {"exif": block})


class WholeFile:
    """JPEG, WebP and BMP, which Pillow encodes when all rows are written; gray WebP becomes RGB."""

    def __init__(
        self, file: BinaryIO, shape: tuple[int, int, int], extension: str, *, icc_profile: bytes | None, exif: bytes | None
    ) -> None:
        self._file, self._extension, self._rows = file, extension, 0
        self._options = {key: value for key, value in {"icc_profile": icc_profile, "exif": exif}.items() if value}
        if extension in JPEG:
            self._options |= {"quality": 95, "subsampling": "4:4:4"}
        elif extension == ".webp":
            self._options |= {"lossless": True, "exact": True}  # exact: keeps the colour of transparent pixels
        else:
            self._options = {}
        self._samples = np.empty(shape, np.uint8)

    def write(self, samples: np.ndarray) -> None:
        """Store rows below the existing ones."""
        self._samples[self._rows : self._rows + len(samples)] = to_8bit(samples)
        self._rows += len(samples)

    def close(self) -> None:
        """Encode and write all rows."""
        channels = self._samples.shape[2]
        picture = PIL.Image.fromarray(self._samples[..., 0] if channels == 1 else self._samples)
        if self._extension == ".webp":
            picture = picture.convert("RGBA" if channels in (2, 4) else "RGB")
        encoded = BytesIO()  # so that what fails while the file is written is the disk
        picture.save(encoded, format=PIL.Image.registered_extensions()[self._extension], **self._options)
        self._file.write(encoded.getbuffer())


def not_kept(
    path: Path, dtype: np.dtype | type, *, gray: bool = False, icc_profile: bytes | None = None, exif: bytes | None = None
) -> dict[str, str]:
    """What a file of that name does not hold of an image: in a few words -> what to say."""
    extension, said = path.suffix.lower(), {}
    if dtype == np.uint16 and extension not in DEEP:
        said["depth"] = f"its 16 bits become 8 in {extension}: format=png keeps them"
    if icc_profile and (extension == ".bmp" or _fitting(icc_profile, gray and extension != ".webp") is None):
        said["colour profile"] = f"its colour profile is not kept in {extension}: format=png keeps it"
    if exif and extension == ".bmp":
        said["EXIF"] = "its EXIF is not kept in .bmp: format=png keeps it"
    return said


def to_8bit(samples: np.ndarray) -> np.ndarray:
    """uint16 rounded to uint8; uint8 as it is."""
    if samples.dtype == np.uint8:
        return samples
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 = 257 * 255


def one_line(error: Exception) -> str:
    """What an error says, without line breaks."""
    return " ".join(str(error).split()) or type(error).__name__


def _fitting(profile: bytes | None, gray: bool) -> bytes | None:
    """The profile, unless it is one for gray and the pixels are RGB (bytes 16 to 19 name its colour space)."""
    return None if profile and profile[16:20] == b"GRAY" and not gray else profile
