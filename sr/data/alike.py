"""Images that look the same: copies that were encoded again, resized or cut by a few pixels, found by their thumbnails.

A thumbnail has the luma of SIDE x SIDE pixels. Two images are alike if their sides have about the same ratio and their
thumbnails correlate by ALIKE. Among BSDS500 train, Set5, Set14, B100 and 20 images of Urban100, the most alike different
pictures correlate by 0.93; head of Set5 and face of Set14, one picture in two sizes, by 0.998; 302003 of BSDS500 train and
woman of Set5, which is cut a little, by 0.985. Copies at half and a quarter of the size reach 0.999, those cut by 3 pixels
0.968. Larger parts of an image, mirrored ones and images almost without contrast are not found. The 200 photos of BSDS500 and
Set5 take 0.15 s of one core once, and 0.01 s afterwards; an image of 2040 x 1404 pixels takes 23 ms.
"""

import hashlib
import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image

from sr.files import whole

SIDE = 32
ALIKE = 0.96
_RATIO = 0.02  # difference of the ratios of the sides
_CONTRAST = 2.0  # standard deviation of a thumbnail in 8-bit levels, below which it says nothing


@dataclass
class Thumbnails:
    """`luma` (N, SIDE * SIDE) uint8 and `ratio` (N,), width by height, of N images."""

    luma: np.ndarray
    ratio: np.ndarray

    def normalised(self) -> np.ndarray:
        """(N, SIDE * SIDE) float32 of mean 0 and norm 1; zeros where there is no contrast."""
        centred = self.luma.astype(np.float32) - self.luma.mean(1, dtype=np.float32, keepdims=True)
        norm = np.linalg.norm(centred, axis=1, keepdims=True)
        return np.where(norm < _CONTRAST * SIDE, 0, centred / np.maximum(norm, 1e-6))


def thumbnails(names: Sequence[str], read: Callable[[int], np.ndarray], folder: Path) -> Thumbnails:
    """The thumbnails of a set, from `folder` if they are kept there.

    Args:
        names: of each image; another image has another name.
        read: index -> (H, W, C), uint8 or uint16.
    """
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:24]
    file = folder / f"{digest}.npz"
    if file.is_file():
        with np.load(file, allow_pickle=False) as kept:
            return Thumbnails(kept["luma"], kept["ratio"])
    # Pillow releases the GIL. Reading silences warnings, which concurrent threads may leave silenced.
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        made = list(pool.map(lambda index: _thumbnail(read(index)), range(len(names))))
    found = Thumbnails(np.stack([luma for luma, _ in made]), np.array([ratio for _, ratio in made], np.float32))
    with whole(file) as temporary, open(temporary, "wb") as opened:
        np.savez(opened, luma=found.luma, ratio=found.ratio)
    return found


def _thumbnail(pixels: np.ndarray) -> tuple[np.ndarray, float]:
    pixels = (pixels >> 8).astype(np.uint8) if pixels.dtype == np.uint16 else pixels
    if pixels.shape[2] not in (1, 3):
        pixels = pixels.mean(2, keepdims=True).astype(np.uint8)
    image = PIL.Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).convert("L")
    small = image.resize((SIDE, SIDE), PIL.Image.Resampling.BICUBIC)  # as wide as it must be, so that sizes do not matter
    return np.asarray(small).reshape(-1), image.width / image.height


def pairs(first: Thumbnails, second: Thumbnails) -> list[tuple[int, int]]:
    """(index in `first`, index in `second`) of the best partner of each image of `second` that has one, in their order."""
    close = np.abs(np.log(first.ratio[:, None] / second.ratio[None])) < _RATIO
    likeness = np.where(close, first.normalised() @ second.normalised().T, 0)
    best = likeness.argmax(0)
    return [(int(one), other) for other, one in enumerate(best) if likeness[one, other] >= ALIKE]
