"""What the tests of comparison pages share."""

from pathlib import Path

import numpy as np
import PIL.Image

from sr.network.interpolation import Interpolation

NAMES = ["LR", "bicubic", "IMDN_x4", "fsrcnn_x4", "HR"]
WIDTH, HEIGHT = 160, 120  # of the HR crop
BICUBIC = [("bicubic", Interpolation(scale=2))]


def noise(path: Path, width: int, height: int) -> Path:
    """A file of random pixels."""
    path.parent.mkdir(exist_ok=True, parents=True)
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)).save(path)
    return path
