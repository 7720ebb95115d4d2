"""Further keys of the batch besides `lr`, `hr` and `name`, such as a kernel or a text, provided by a source.

A source may have a method `further`: the HR file, or the index of an image in memory -> {key: number, text or array}. All
images must have the same keys with the same shapes. A key is an argument of a network's `forward` (sr/network/inputs.py), so
its name is an identifier. Masks and kernels, which are flipped with the image, have shape (C, H, W), vectors (D,).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sr.data.mixture import Mixture
from sr.errors import InputError

_TAKEN = ("lr", "hr", "real", "name", "scale", "size")

Giver = Callable[[int], Mapping[str, Any]]  # the keys of an image of one set, by its index


def plain(found: Mapping[str, Any], where: object) -> dict[str, Any]:
    """Keys of an image as arrays, floats in float32; texts unchanged.

    Raises:
        InputError: a reserved name, a name that is not an identifier, or a value that is not a number, text or array.
    """
    keys = {}
    for key, value in found.items():
        if key in _TAKEN or not str(key).isidentifier():
            raise InputError(
                f"{where}: invalid name of a further key, {key!r}: choose an identifier other than {', '.join(_TAKEN)}"
            )
        if isinstance(value, str):
            keys[key] = value
            continue
        try:
            array = np.asarray(value)
        except ValueError:  # lists of different lengths
            array = np.empty(0, object)
        if array.dtype.kind not in "fiub":
            raise InputError(f"{where}: the further key {key} is {type(value).__name__}: pass a number, a text or an array")
        keys[key] = array.astype(np.float32) if array.dtype.kind == "f" else array
    return keys


@dataclass(frozen=True)
class _Of:
    """The keys that a source provides for some of its images."""

    source: Any
    whose: Sequence[Any]

    def __call__(self, place: int) -> Mapping[str, Any]:
        return self.source.further(self.whose[place])


def giver(source: Any, images: Any) -> Giver | None:
    """The function that returns the keys of a source's training images; None if the source has no `further`."""
    if not hasattr(source, "further"):
        return None
    kept = getattr(images, "places", getattr(getattr(images, "images", None), "places", None))  # without the validation images
    return _Of(source, getattr(images, "files", None) or kept or range(len(images)))


def keys_of(source: Any, image: Any) -> dict[str, Any]:
    """The keys of one image of a source, a file or an index; empty if the source provides none."""
    return plain(source.further(image), image) if hasattr(source, "further") else {}


class Further:
    """Keys of the images of a mixture.

    Args:
        mixture: the images.
        givers: for each of its sets the function that returns the keys of an image, or None.

    Raises:
        InputError: some sets have keys, and others do not.
    """

    def __init__(self, mixture: Mixture, givers: Sequence[Giver | None]) -> None:
        if len({giver is None for giver in givers}) > 1:
            raise InputError(
                "data.train mixes sources with further keys and sources without them: all sources need the same keys"
            )
        self.mixture, self.givers = mixture, list(givers)

    def of(self, images: np.ndarray) -> dict[str, Any]:
        """The keys of these images (N,) of the mixture: arrays (N, ...), texts as lists."""
        each = [self._one(image) for image in images.tolist()]
        first = each[0]
        for image, other in zip(images.tolist(), each, strict=True):
            if _form(other) != _form(first):
                raise InputError(
                    f"data.train: image {image} has the further keys {_form(other)}, but image {images[0]} has {_form(first)}: "
                    "all images of a batch need the same keys"
                )
        return {
            key: [one[key] for one in each] if isinstance(value, str) else np.stack([one[key] for one in each])
            for key, value in first.items()
        }

    def _one(self, image: int) -> dict[str, Any]:
        part, place = self.mixture.place(image)
        found = plain(self.givers[part](place), f"data.train, image {image}")
        sides = tuple(self.mixture[image].shape[:2])
        for key, value in found.items():
            if isinstance(value, np.ndarray) and value.shape[-2:] == sides:
                raise InputError(
                    f"data.train, image {image}: the further key {key} has the size of the image, {sides[0]}x{sides[1]}, but "
                    "is not cropped to its patches: use kernels, vectors, numbers or texts"
                )
        return found


def _form(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Each key's shape and type; None for a text."""
    return {key: None if isinstance(value, str) else (value.shape, str(value.dtype)) for key, value in keys.items()}
