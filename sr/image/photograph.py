"""A piece of a real photograph that is always there: what networks are tried on, and features measured on.

It is from the wheel of scikit-image; nothing is downloaded.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from torch import Tensor

from sr.errors import MissingError
from sr.image.file import read, to_tensor

FILE = "astronaut.png"  # 512 x 512
PATTERN = "brick.png"  # 512 x 512, gray: it shows what looks far around a pixel
CENTRES = {FILE: (120, 180), PATTERN: (256, 256)}  # row, column; FILE's: the edge of the face, of much contrast at every size


def folder() -> Path:
    """Where scikit-image's photographs are. MissingError: it is not installed."""
    # Not `import skimage.data`: its loader would fetch what the wheel lacks, and importing it takes a second.
    spec = find_spec("skimage")
    if spec is None:
        raise MissingError("scikit-image is not installed, and its photos are the sample data: run `make setup`")
    return Path(spec.submodule_search_locations[0]) / "data"


@cache
def photograph(side: int, channels: int = 3, name: str = FILE) -> Tensor:
    """(1, channels, side, side) in [0, 1], at most 512 x 512: RGB; of 1 channel its mean; of others RGBRG...; FILE or PATTERN.

    MissingError: the installed scikit-image ships without it.
    """
    file = folder() / name
    if not file.is_file():
        raise MissingError(f"scikit-image ships without {name} in {file.parent}: install the version pinned in constraints.txt")
    whole = to_tensor(np.ascontiguousarray(read(file).pixels))
    sides = zip(CENTRES[name], whole.shape[2:], strict=True)
    top, left = (min(max(middle - side // 2, 0), max(length - side, 0)) for middle, length in sides)
    piece = whole[..., top : top + side, left : left + side]
    piece = piece.expand(-1, 3, -1, -1)
    return piece.mean(1, keepdim=True) if channels == 1 else piece[:, [i % 3 for i in range(channels)]]
