"""How training data is stored: one small protocol, whatever lies behind it.

A memory map of uint8, uint16 or float32 (`sr.data.store`), arrays in memory (`sr.data.source.teaching`), several of these as
one (`sr.data.mixture`); later clips, volumes and objects on a server. `sr.data.patches` asks for no more than this.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from sr.image.kind import Kind
from sr.say import warn


class Pixels(Protocol):
    """One image: (H, W, C). A NumPy array is one; others need to read no more than the window that is asked for."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype: ...

    def __getitem__(self, window: tuple[slice, slice]) -> np.ndarray:
        """The rows and columns of a window, (h, w, C)."""
        ...


class Storage(Protocol):
    """Images of one kind: as many as `len`, each by its index."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Pixels: ...


class Fitted(Sequence):
    """Arrays of another number of bands or depth than the kind's, converted when they are asked for."""

    def __init__(self, images: Sequence[np.ndarray], kind: Kind, source: str) -> None:
        self.images, self.kind, self.source = images, kind, source

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.kind.fitted(self.images[index], self.source)


def fitted(images: Any, kind: Kind, source: str) -> Storage:
    """The images as they are if the first is of this kind; else converted, with a warning that says so.

    Args:
        images: of one size or several, (H, W, C) each.
        source: what they are called.

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
