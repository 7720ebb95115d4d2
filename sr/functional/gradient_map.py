"""Where an image has structure: probabilities of crops, as KernelGAN draws them.

Bell-Kligler, Shocher, Irani 2019, arXiv:1909.06581; the formulas are those of the authors' code (github.com/sefibk/KernelGAN,
util.py): along each axis only the steepest 3 % of gradients count, almost as steps from 0 to 1; the magnitude counts as it is.
"""

import numpy as np
from scipy.signal import convolve2d

_LUMA = np.array([0.299, 0.587, 0.114])
_WINDOW, _SHARE, _STEP = 5, 0.97, 10e-6  # side of the mean; share of gradients that count nothing; least height of the step


def gradient_map(image: np.ndarray) -> np.ndarray:
    """(H, W, C) -> (H, W) of mean 1: steep gradients along both axes and the gradient's magnitude, averaged over 5x5.

    C is 3 (luma is used), or any other number, whose mean is used. All 1 for an image without structure.
    """
    gray = image @ _LUMA if image.shape[2] == 3 else image.mean(2)
    down, along = np.gradient(gray)
    steep = [_clipped(_inner(np.abs(one), _WINDOW)) for one in (down, along)]
    maps = [*steep, _inner(np.hypot(down, along), _WINDOW)]
    total = sum((one / one.sum() for one in maps if one.any()), np.zeros_like(gray))
    if not total.any():
        return np.ones_like(gray)
    mean = convolve2d(total, np.ones((_WINDOW, _WINDOW)), "same") / _WINDOW**2
    return mean / mean.mean()


def crop_probabilities(structure: np.ndarray, side: int) -> np.ndarray:
    """(H, W) -> (H * W,), which sums to 1: the probability that a crop of `side` has its centre at each pixel.

    Of the mean over half the crop's side; 0 where the crop would leave the image.
    """
    half = side // 2
    blurred = _inner(convolve2d(structure, np.ones((half, half)), "same") / half**2, half)
    return (blurred if blurred.sum() else np.ones_like(blurred)).ravel() / (blurred.sum() or blurred.size)


def _inner(image: np.ndarray, edge: int) -> np.ndarray:
    """The image with `edge` pixels at each side set to 0."""
    kept = np.zeros_like(image)
    kept[edge:-edge, edge:-edge] = image[edge:-edge, edge:-edge]
    return kept


def _clipped(image: np.ndarray) -> np.ndarray:
    """How far values lie above the 97th percentile, up to the next value."""
    values = np.sort(image, axis=None)
    low, high = values[int(_SHARE * len(values)) :][:2]
    return np.clip(image, low, high if high > low else low + _STEP) - low
