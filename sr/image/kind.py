"""Pixel formats: bands, stored type, range, levels. Defined once in `conf/image` and passed to everything that needs them.

An image tensor is always float32 in [0, 1] (N, C, H, W); files and memory maps have the stored type (H, W, C). A `Kind`
converts between the two.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from sr.errors import InputError
from sr.image import file as image
from sr.image import rasters
from sr.image.bleed import Bled
from sr.image.gray import rgb2gray
from sr.image.raster import Raster, Valid, Window, check_spread, ends, spread

_DTYPES = ("uint8", "uint16", "int16", "float32")


@dataclass(frozen=True)
class Kind:
    """One kind of image.

    Args:
        name: of its YAML in `conf/image`.
        bands: values per pixel; networks have as many channels.
        dtype: type in which images are stored, in memory maps and batches: uint8, uint16, int16 or float32.
        range: the stored values [low, high] that become 0 and 1.
        levels: degradations and metrics round to multiples of 1/levels, as files of that depth do (255, 65535); None: no
            rounding.
        luma: whether metrics are computed on Y (only RGB has it); otherwise on all bands.
        shown: indices, from 0, of the bands shown as red, green and blue in pictures, or of one band shown as gray.
        outside: what training and metrics do with values outside `range`: "refuse" the file, or "clip" them and report it.
            Floats of a kind that refuses are not checked. predict.py never clips to `range`: such values become numbers
            outside [0, 1].
        percentiles: of the values of a volume or a series of slices, which become `range`: [0, 99.9] for magnetic resonance
            images, whose values have no unit; None: values are taken as they are.
        window: the stored values shown as black and white in pictures; None: `range`.
        unit: of the stored values, in the labels of pictures: "HU".
        private: whether images are of patients: no pictures in logs and reports, and W&B is offline, unless asked for.
        names: of the bands, by which metrics find theirs: STAC's common names, such as red and nir08.

    Raises:
        InputError: an invalid argument, named as `image.ARGUMENT`.
    """

    name: str
    bands: int
    dtype: Literal["uint8", "uint16", "int16", "float32"]
    range: tuple[float, float]
    levels: int | None
    luma: bool
    shown: tuple[int, ...]
    outside: Literal["refuse", "clip"] = "refuse"
    percentiles: tuple[float, float] | None = None
    window: tuple[float, float] | None = None
    private: bool = False
    names: tuple[str, ...] = ()
    unit: str = ""

    def __post_init__(self) -> None:
        for name in ("range", "shown", "names", "percentiles", "window"):
            if (value := getattr(self, name)) is not None:  # a list in a YAML
                object.__setattr__(self, name, tuple(value))
        if type(self.bands) is not int or self.bands < 1:
            raise InputError(f"image.bands={self.bands}: pass a whole number of at least 1")
        if self.dtype not in _DTYPES:
            raise InputError(f"image.dtype={self.dtype}: choose one of {', '.join(_DTYPES)}")
        if len(self.range) != 2 or not self.range[0] < self.range[1]:
            raise InputError(f"image.range={list(self.range)}: pass [low, high], the values that become 0 and 1")
        if self.dtype != "float32":
            limits = np.iinfo(self.dtype)
            if not limits.min <= self.range[0] < self.range[1] <= limits.max:
                raise InputError(f"image.range={list(self.range)}: {self.dtype} holds {limits.min} to {limits.max}")
        if self.outside not in ("refuse", "clip"):
            raise InputError(f"image.outside={self.outside}: choose refuse or clip")
        if self.levels is not None and (type(self.levels) is not int or self.levels < 1):
            raise InputError(f"image.levels={self.levels}: pass a whole number such as 255, or null for data without levels")
        if self.luma and self.bands != 3:
            raise InputError(f"image.luma=true: only RGB has luma, not {self.bands} bands; pass image.luma=false")
        if len(self.shown) not in (1, 3) or not all(type(n) is int and 0 <= n < self.bands for n in self.shown):
            raise InputError(
                f"image.shown={list(self.shown)}: choose one band (gray) or three (red, green, blue) from 0 to {self.bands - 1}"
            )
        pair = self.percentiles
        if pair is not None and (self.dtype != "float32" or len(pair) != 2 or not 0 <= pair[0] < pair[1] <= 100):
            raise InputError(f"image.percentiles={list(pair)}: pass [low, high] from 0 to 100 for dtype=float32, or null")
        if (pair := self.window) is not None and (len(pair) != 2 or not pair[0] < pair[1]):
            raise InputError(f"image.window={list(pair)}: pass [low, high], the values shown as black and white, or null")

    @property
    def contrast(self) -> tuple[float, float] | None:
        """`window` as values of image tensors, in which `range` is 0 and 1; None: all are shown."""
        low, high = self.range
        return None if self.window is None else tuple((value - low) / (high - low) for value in self.window)

    @property
    def cache(self) -> str:
        """Distinguishes caches of this kind from others; "" for 8-bit RGB."""
        whole = self.dtype == "float32" or self.whole  # otherwise files of another depth are refused, which a cache would hide
        name = f"{self.bands}x{self.dtype}" + ("" if whole else "-{:g}-{:g}".format(*self.range))
        name += "-clip" if self.outside == "clip" else ""
        name += "" if self.percentiles is None else "-percentiles-{:g}-{:g}".format(*self.percentiles)
        return "" if name == "3xuint8" else name

    @property
    def measured(self) -> str:
        """What scores are computed on without luma: "gray", "6 bands"; "" with luma, where the metrics' names say it."""
        return "" if self.luma else {1: "gray"}.get(self.bands, f"{self.bands} bands")

    def to_float(self, pixels: Tensor) -> Tensor:
        """Stored (..., H, W, C) -> (..., C, H, W) float32, with `range` mapped to [0, 1]; on the device of the pixels."""
        return self.scaled(pixels.movedim(-1, -3))

    def scaled(self, pixels: Tensor) -> Tensor:
        """Stored values of any shape -> float32, with `range` mapped to [0, 1]."""
        low, high = self.range
        made = pixels.float()
        made = made.clone() if made is pixels else made
        return (made.sub_(low) if low else made).div_(high - low)

    def to_stored(self, tensor: Tensor) -> Tensor:
        """(..., C, H, W) in [0, 1] -> the stored type, same shape; integers are rounded and clipped to `range`."""
        low, high = self.range
        values = tensor.detach() * (high - low) + low
        if self.dtype == "float32":
            return values.float()
        return values.round().clamp(low, high).to(getattr(torch, self.dtype))

    def read(self, path: str | Path) -> np.ndarray:
        """As `read_valid`, the samples alone."""
        return self.read_valid(path)[0]

    def read_valid(self, path: str | Path) -> tuple[np.ndarray, np.ndarray | None]:
        """Read an image file as (H, W, C) of the stored type, upright, without alpha; `not_used` reports what was changed.

        Also (H, W) bool, False where the file has no data (there pixels take the values around them); None: it has everywhere.

        A kind with one band reads gray files, and converts colour files to gray; a kind with three reads RGB, and repeats
        gray. 16 bits are rounded to 8, and 8 bits scaled to 16, if `range` is the full range of the type.

        Raises:
            InputError: the file cannot be read, or does not fit this kind. Others as in `sr.image.file.read`.
        """
        if (raster := rasters.opened(path)) is not None:
            with raster:
                pixels, valid = self._of_raster(raster)
                return np.ascontiguousarray(pixels), valid
        if self.percentiles is not None:
            raise InputError(f"{path}: image={self.name} takes DICOM files, or other series or volumes, not photographs")
        if (self.bands, self.dtype) == (3, "uint8") and self.whole:
            return image.read_rgb8(path), None
        read = image.read(path)
        return np.ascontiguousarray(self.fitted(read.pixels[..., :1] if read.was_gray else read.pixels, path)), None

    def tensor(self, path: str | Path) -> Tensor:
        """`read` as (C, H, W)."""
        return torch.from_numpy(self.read(path)).permute(2, 0, 1).contiguous()

    def _of_raster(self, raster: Raster) -> tuple[np.ndarray, np.ndarray | None]:
        """The first plane of an open raster, as `read_valid`.

        With `percentiles`, and of files of fewer bits than their type, the `limits` of the file become `range`."""
        window, valid = Window(raster), Valid(raster)[:, :] if raster.masked else None
        valid = None if valid is None or valid.all() else valid
        self._check(raster)
        samples = window[:, :]
        samples = samples if valid is None else Bled(samples, valid)[:, :]
        if self.percentiles is not None or (self.whole and raster.full is not None):
            samples = spread(samples, self.limits(raster), self.range, self.dtype)
        return self.fitted(samples, raster.path), None if valid is None else valid > 0

    def _check(self, raster: Raster) -> None:
        """InputError: the header of a raster says that its samples cannot become this kind's."""
        if self.percentiles is None:
            first = np.array(self.range[0]).clip(*ends(raster.dtype)).astype(raster.dtype)
            self.fitted(np.broadcast_to(first, (1, 1, raster.shape[2])), raster.path)
        elif raster.shape[2] != self.bands:  # a colour is no measurement
            raise InputError(f"{raster.path}: {raster.shape[2]} bands, but image={self.name} has {self.bands}")

    def fitted(self, pixels: np.ndarray, source: Any) -> np.ndarray:
        """Samples (H, W, C) of any type -> those of this kind, as in `read`; unchanged if they fit.

        Gray and RGB are converted to each other, 8 and 16 bits too if `range` is the full range of the type. Other types than
        uint8 keep their values, which must be in `range`, or are clipped to it.

        Raises:
            InputError: they cannot be converted; the line names `source`.
        """
        if pixels.shape[2] != self.bands:
            if {pixels.shape[2], self.bands} != {1, 3}:
                raise InputError(f"{source}: {pixels.shape[2]} bands, but image={self.name} has {self.bands}")
            pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3)) if self.bands == 3 else rgb2gray(pixels)
        if pixels.dtype == self.dtype:
            return self._in_range(pixels, source)
        if not self.whole and pixels.dtype != np.uint8 and (pixels.dtype.kind in "ui" or self.dtype == "float32"):
            return self._in_range(pixels, source).astype(self.dtype)
        if not self.whole or pixels.dtype not in (np.uint8, np.uint16):
            raise InputError(
                f"{source}: {pixels.dtype} samples, but image={self.name} is {self.dtype} in {list(self.range)}: "
                "convert it, or choose another image=..."
            )
        return image.to_8bit(pixels) if self.dtype == "uint8" else pixels.astype(np.uint16) * np.uint16(257)

    def _in_range(self, pixels: np.ndarray, source: Any) -> np.ndarray:
        """The pixels, clipped to `range` if the kind clips. InputError: the kind refuses values outside."""
        if self.outside == "clip":
            return np.clip(pixels, *(pixels.dtype.type(limit) for limit in self.range))
        if self.dtype == "float32" or self.whole:
            return pixels
        low, high = int(pixels.min()), int(pixels.max())
        if low < self.range[0] or high > self.range[1]:
            raise InputError(
                f"{source}: values from {low} to {high}, but image={self.name} has range {list(self.range)}: convert the file, "
                "or pass another image.range, or image.outside=clip"
            )
        return pixels

    def limits(self, raster: Raster) -> tuple[float, float]:
        """The values of a raster that become 0 and 1 when it is upscaled: `range`, those at `percentiles`, or all that the file
        can hold if the kind is `whole`.

        Raises:
            InputError: the samples are of a type that has no meaning in this kind; the line names the file.
        """
        dtype = raster.dtype
        if self.percentiles is not None:
            return check_spread(raster.at(self.percentiles), self.percentiles, raster.path)
        if self.whole and dtype in (np.uint8, np.uint16):
            return raster.full or (0.0, float(np.iinfo(dtype).max))
        if self.whole or (dtype == np.uint8) != (self.dtype == "uint8"):
            raise InputError(
                f"{raster.path}: {dtype} samples, but image={self.name} is {self.dtype} in {list(self.range)}: use a network "
                "trained for such files"
            )
        return tuple(map(float, self.range))

    def not_used(self, path: str | Path) -> list[str]:
        """What `read` drops or changes, as endings of a sentence about several files. Raises like `image.read`."""
        if (raster := rasters.opened(path)) is not None:
            with raster:
                return self._not_used(raster)
        deep = self.dtype != "uint8"
        bits, gray = image.depth(path)
        changed = {
            "are in colour and are converted to gray (rgb2gray)": self.bands == 1 and not gray,
            "have 8 bits per sample, which are scaled to 16": deep and bits == 8 and self.whole,
        }
        return image.not_used(path, 16 if deep else 8) + [text for text, is_so in changed.items() if is_so]

    def _not_used(self, raster: Raster) -> list[str]:
        self._check(raster)
        lost = raster.not_used(self.name)
        if raster.shape[2] == 3 and self.bands == 1:
            lost.append("are in colour and are converted to gray (rgb2gray)")
        if self.outside == "clip":
            samples, (low, high) = Window(raster)[:, :], self.range
            if samples.min() < low or samples.max() > high:
                lost.append(f"have values outside {list(self.range)}, which are clipped")
        return lost

    @property
    def whole(self) -> bool:
        """Whether `range` is the full range of the type, so that files of another depth can be scaled."""
        return self.dtype != "float32" and tuple(self.range) == (0, np.iinfo(self.dtype).max)


PHOTO = Kind("photo", 3, "uint8", (0, 255), 255, True, (0, 1, 2))  # 8-bit RGB: conf/image/photo.yaml


def same(one: Kind, other: Kind) -> bool:
    """Whether two kinds mean the same pixels, whatever pictures of them show, who may see them, and what bands are called."""
    return len({replace(kind, window=None, private=False, names=(), unit="") for kind in (one, other)}) == 1


def of_data(data: Any) -> Kind:
    """The kind of a data module's images; `PHOTO` by default."""
    return getattr(data, "kind", PHOTO)


def of(node: Mapping[str, Any] | None, source: Any) -> Kind:
    """The kind in a config of plain values, as in a checkpoint; `PHOTO` by default.

    Raises:
        InputError: it is invalid; the line names `source`.
    """
    if node is None:
        return PHOTO
    names = [entry.name for entry in fields(Kind)]
    later = {entry.name for entry in fields(Kind) if entry.default is not MISSING}  # older checkpoints lack them
    values = {key: value for key, value in node.items() if key != "_target_"} if isinstance(node, Mapping) else {}
    if sorted(values.keys() | later) != sorted(names):
        raise InputError(f"{source}: invalid image config: it has {sorted(values)}, expected {', '.join(names)}")
    return Kind(**values)
