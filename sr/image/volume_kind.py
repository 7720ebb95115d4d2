"""Values of a volume as an image kind stores them, and back."""

import numpy as np

from sr.errors import InputError
from sr.image.kind import Kind
from sr.image.raster import check_spread, ends, spread
from sr.image.volume import Volume

Limits = tuple[float, float]  # the values of a volume that become the two ends of the kind's range


def to_kind(volume: Volume, kind: Kind, clip: bool = True) -> tuple[np.ndarray, Limits]:
    """(D, H, W, 1) of the kind's type, and the values that became `kind.range`.

    With `image.percentiles` these are the volume's values at the percentiles; otherwise values are taken as they are, and
    clipped to the range if the kind clips; predict.py passes `clip=False`, as for pictures.

    Raises:
        InputError: a kind with several bands; NaN; a constant volume; integers outside the kind's range.
    """
    if kind.bands != 1:
        raise InputError(f"{volume.path}: a volume has one band, but image={kind.name} has {kind.bands}: pass image=mri")
    values, (low, high) = volume.values(), kind.range
    if kind.percentiles is None:
        if clip and kind.outside == "clip":
            values = values.clip(low, high)
        elif kind.dtype != "float32" and kind.outside == "clip":
            low, high = ends(np.dtype(kind.dtype))
        if kind.dtype != "float32" and (values.min() < low or values.max() > high or (values != np.rint(values)).any()):
            raise InputError(
                f"{volume.path}: values from {values.min():g} to {values.max():g}, but image={kind.name} is {kind.dtype} in "
                f"{list(kind.range)}: pass image=mri, or another image.range"
            )
        return values.astype(kind.dtype)[..., None], tuple(map(float, kind.range))
    limits = check_spread(tuple(np.percentile(values, kind.percentiles).tolist()), kind.percentiles, volume.path)
    return spread(values, limits, kind.range, kind.dtype)[..., None], limits


def clipped(volume: Volume, kind: Kind) -> list[str]:
    """What `to_kind` changes in a volume, as endings of a sentence about files."""
    if kind.outside != "clip" or kind.percentiles is not None:
        return []
    values, (low, high) = volume.values(), kind.range
    is_so = values.min() < low or values.max() > high
    return [f"have values outside {list(kind.range)}, which are clipped"] if is_so else []


def from_unit(values: np.ndarray, limits: Limits) -> np.ndarray:
    """Values of an image tensor, in which `limits` are 0 and 1, as values of the volume."""
    low, high = limits
    return values * (high - low) + low
