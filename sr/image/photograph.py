"""A part of a real photograph that is always available, to try networks and measure features on.

It comes with scikit-image's wheel; nothing is downloaded.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from torch import Tensor

from sr.errors import MissingError
from sr.image.file import read, to_tensor

FILE = "astronaut.png"  # 512 x 512
PATTERN = "brick.png"  # 512 x 512, gray: its regular pattern reveals large receptive fields
CENTRES = {FILE: (120, 180), PATTERN: (256, 256)}  # row, column; in FILE the edge of the face, with much contrast at every size


def folder() -> Path:
    """The folder of scikit-image's photographs. MissingError: it is not installed."""
    # Not `import skimage.data`: its loader would download missing files, and importing it takes a second.
    spec = find_spec("skimage")
    if spec is None:
        raise MissingError("scikit-image, whose photos are the sample data, is not installed: run `make setup`")
    return Path(spec.submodule_search_locations[0]) / "data"


@cache
def photograph(side: int, channels: int = 3, name: str = FILE) -> Tensor:
    """(1, channels, side, side) in [0, 1], at most 512 x 512: RGB; the mean for 1 channel; RGBRG... for others; FILE or
    PATTERN.

    MissingError: the installed scikit-image does not contain it.
    """
    file = folder() / name
    if not file.is_file():
        raise MissingError(
            f"scikit-image does not contain {name} in {file.parent}: install the version pinned in constraints.txt"
        )
    whole = to_tensor(np.ascontiguousarray(read(file).pixels))
    sides = zip(CENTRES[name], whole.shape[2:], strict=True)
    top, left = (min(max(middle - side // 2, 0), max(length - side, 0)) for middle, length in sides)
    piece = whole[..., top : top + side, left : left + side]
    piece = piece.expand(-1, 3, -1, -1)
    return piece.mean(1, keepdim=True) if channels == 1 else piece[:, [i % 3 for i in range(channels)]]
