"""Stored samples of a DICOM file <-> its values: rescale slope and intercept, MONOCHROME1, padding. For `sr/image/dicom.py`."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sr.errors import InputError


@dataclass(frozen=True)
class Values:
    """How the samples of a file are stored (DICOM PS3.3, C.7.6.3 and C.11.1).

    A value is slope * sample + intercept, in the unit of the file, such as Hounsfield. In a MONOCHROME1 file the highest value
    is black, so values are mirrored in the range that the samples can have: then white is high in all files, and a result is
    mirrored back.

    Args:
        bits: BitsStored; samples have no others.
        allocated: BitsAllocated, 8 or 16.
        signed: whether samples have a sign.
        scaling: slope and intercept of each frame.
        inverted: MONOCHROME1.
        padding: lowest and highest sample that means "not part of the picture", or None.
    """

    bits: int
    allocated: int
    signed: bool
    scaling: tuple[tuple[float, float], ...]
    inverted: bool = False
    padding: tuple[int, int] | None = None

    @property
    def ends(self) -> tuple[int, int]:
        """The lowest and the highest sample."""
        return (-(2 ** (self.bits - 1)), 2 ** (self.bits - 1) - 1) if self.signed else (0, 2**self.bits - 1)

    @property
    def stored(self) -> np.dtype:
        """The type of the samples."""
        return np.dtype(f"<{'i' if self.signed else 'u'}{self.allocated // 8}")

    @property
    def dtype(self) -> np.dtype:
        """The type of the values: an integer type that holds all of them, float32 if they are not whole."""
        if all(one == (1, 0) for one in self.scaling) and not (self.signed and self.allocated == 8):
            return self.stored.newbyteorder("=")
        if any(value != int(value) for one in self.scaling for value in one):
            return np.dtype(np.float32)
        ends = [slope * end + intercept for slope, intercept in self.scaling for end in self.ends]
        for name in ("int16", "uint16", "int32"):
            if np.iinfo(name).min <= min(ends) and max(ends) <= np.iinfo(name).max:
                return np.dtype(name)
        return np.dtype(np.float32)

    @property
    def full(self) -> tuple[float, float] | None:
        """The ends of unsigned samples that do not use all bits of their type, and are values; otherwise None."""
        plain = not self.signed and self.dtype == self.stored and self.bits < self.allocated
        return tuple(map(float, self.ends)) if plain else None

    def decoded(self, samples: np.ndarray, frame: int) -> np.ndarray:
        """Samples -> values."""
        slope, intercept = self.scaling[frame]
        if (slope, intercept) == (1, 0) and not self.inverted:
            return samples.astype(self.dtype)
        values = samples.astype(np.float64) * slope + intercept
        return (self._mirror(frame) - values if self.inverted else values).astype(self.dtype)

    def encoded(self, values: np.ndarray, frame: int, valid: np.ndarray | None) -> np.ndarray:
        """Values (h, W, C) -> samples, rounded and clipped; padding where `valid` (h, W) is False, and nowhere else."""
        slope, intercept = self.scaling[frame]
        values = values.astype(np.float64)
        values = self._mirror(frame) - values if self.inverted else values
        low, high = self.ends
        samples = np.clip(np.floor((values - intercept) / slope + 0.5), low, high)
        if self.padding is not None:
            first, last = self.padding
            beside = last + 1 if last < high else first - 1
            samples[(samples >= first) & (samples <= last)] = beside
            if valid is not None:
                samples[~valid] = first
        return samples.astype(self.stored)

    def padded(self, samples: np.ndarray) -> np.ndarray:
        """(h, w) bool: where samples (h, w, 1) are padding."""
        first, last = self.padding
        return ((samples >= first) & (samples <= last)).all(axis=2)

    def _mirror(self, frame: int) -> float:
        slope, intercept = self.scaling[frame]
        return slope * sum(self.ends) + 2 * intercept


def values_of(header: Any, frames: int) -> Values:
    """How the file with this header (pydicom's Dataset) stores samples.

    Raises:
        InputError: samples of other than 8 or 16 bits, or a rescale slope that is 0 or no number.
    """
    allocated, bits = int(header.BitsAllocated), int(header.get("BitsStored", header.BitsAllocated))
    if allocated not in (8, 16) or not 1 < bits <= allocated:
        raise InputError(f"{bits} bits in {allocated}: samples of 8 and 16 bits can be read")
    if int(header.get("HighBit", bits - 1)) != bits - 1:
        raise InputError(f"HighBit is {header.HighBit}, but {bits} bits are stored: only the lowest bits can be read")
    signed, colours = bool(header.get("PixelRepresentation", 0)), int(header.get("SamplesPerPixel", 1)) > 1
    scaling = tuple((1.0, 0.0) if colours else _scaling(header, frame) for frame in range(frames))
    made = Values(bits, allocated, signed, scaling, header.PhotometricInterpretation == "MONOCHROME1")
    return made if colours else replace(made, padding=_padding(header, made))


def groups(header: Any, frame: int) -> list[Any]:
    """Where attributes of a frame are: its functional groups, the shared ones, the file itself."""
    own, shared = header.get("PerFrameFunctionalGroupsSequence") or [], header.get("SharedFunctionalGroupsSequence") or []
    return [*own[frame : frame + 1], *shared[:1], header]


def _scaling(header: Any, frame: int) -> tuple[float, float]:
    for group in groups(header, frame):
        items = group.get("PixelValueTransformationSequence") or [group]
        if items[0].get("RescaleSlope") is not None:
            slope, intercept = float(items[0].RescaleSlope), float(items[0].get("RescaleIntercept") or 0)
            if not np.isfinite([slope, intercept]).all() or slope == 0:
                raise InputError(f"RescaleSlope {slope:g} and RescaleIntercept {intercept:g} give no values")
            return slope, intercept
    return 1.0, 0.0


def _padding(header: Any, values: Values) -> tuple[int, int] | None:
    if header.get("PixelPaddingValue") is None:
        return None
    ends = [int(header.PixelPaddingValue), int(header.get("PixelPaddingRangeLimit", header.PixelPaddingValue))]
    low, high = values.ends
    inside = low <= min(ends) and max(ends) <= high and max(ends) - min(ends) < high - low
    return (min(ends), max(ends)) if inside else None
