"""The storage protocol of training data.

Implementations: a memory map of uint8, uint16 or float32 (`sr.data.store`), arrays in memory (`sr.data.source.teaching`),
several of these combined (`sr.data.mixture`); later clips, volumes and remote objects. `sr.data.patches` needs nothing else.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from sr.image.kind import Kind
from sr.say import warn


class Pixels(Protocol):
    """One image: (H, W, C). A NumPy array is one; other implementations need to read only the requested window."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype: ...

    def __getitem__(self, window: tuple[slice, slice]) -> np.ndarray:
        """The rows and columns of a window, (h, w, C)."""
        ...


class Storage(Protocol):
    """Images of one kind: `len` images, by index."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Pixels: ...


class Fitted(Sequence):
    """Arrays with another number of bands or depth than the kind's, converted when requested."""

    def __init__(self, images: Sequence[np.ndarray], kind: Kind, source: str) -> None:
        self.images, self.kind, self.source = images, kind, source

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.kind.fitted(self.images[index], self.source)


def fitted(images: Any, kind: Kind, source: str) -> Storage:
    """The images unchanged if the first is of this kind; otherwise converted, with a warning.

    Args:
        images: of one size or several, (H, W, C) each.
        source: name of the images.

    Raises:
        InputError: they cannot be converted.
    """
    first = images[0]
    if (first.shape[2], first.dtype) == (kind.bands, np.dtype(kind.dtype)):
        return images
    kind.fitted(first, source)
    warn(
        f"{source}: its images have {first.shape[2]} bands of {first.dtype}: "
        f"they become {kind.bands} of {kind.dtype} (image={kind.name})"
    )
    return Fitted(images, kind, source)
