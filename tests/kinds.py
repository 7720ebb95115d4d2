"""Real pictures of each image kind: photographs of scikit-image, gray, or with the 16 bits that a mean of pixels has."""

from pathlib import Path

import numpy as np
import torch
from skimage import data
from torch import Tensor

from sr.image.file import Image, write

SIDE = 96
GRAY = {"train": ("camera", "coins", "brick"), "hr": ("grass",)}
COLOUR = {"train": ("astronaut", "coffee", "chelsea"), "hr": ("rocket",)}


def gray(name: str) -> np.ndarray:
    """(96, 96, 3) uint8 of three equal bands."""
    return np.repeat(getattr(data, name)()[100 : 100 + SIDE, 100 : 100 + SIDE, None], 3, axis=2)


def deep(name: str) -> np.ndarray:
    """(96, 96, 3) uint16: means of 2x2 pixels, of which hardly any is a multiple of 257."""
    photo = getattr(data, name)()[50 : 50 + 2 * SIDE, 100 : 100 + 2 * SIDE].astype(np.float64)
    return np.rint(photo.reshape(SIDE, 2, SIDE, 2, 3).mean((1, 3)) * 257).astype(np.uint16)


def write_set(kind: str, folder: Path) -> Path:
    """folder/train with three images, PNG and TIFF, and folder/hr with one; returns the folder."""
    for part, names in (GRAY if kind == "gray" else COLOUR).items():
        for number, name in enumerate(names):
            pixels = gray(name) if kind == "gray" else deep(name)
            write(folder / part / f"{name}.{('png', 'tif')[number % 2]}", Image(pixels, was_gray=kind == "gray"))
    return folder


def tensor16(name: str = "coffee") -> Tensor:
    """(1, 3, 96, 96) on the grid of 65535 levels in [0, 1]."""
    return torch.from_numpy(deep(name).astype(np.float32) / np.float32(65535)).permute(2, 0, 1)[None]
