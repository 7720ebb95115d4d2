"""Blur kernels for blind super-resolution: Gaussian, generalised Gaussian, plateau and sinc, as NumPy arrays (k, k) with sum
1.

Real-ESRGAN: Wang, Xie, Dong, Shan 2021, arXiv:2107.10833, section 3.1 and its supplement.
"""

import numpy as np
from scipy.special import j1

_TAIL = 2e-4  # part of a kernel's weight that may be cut off at its border: less than 0.05 of an 8-bit level
_ERROR = 5e-4  # total error of the weights allowed for an approximation with few terms: at most 0.13 of a level


def gaussian(size: int, sigma_x: float, sigma_y: float, theta: float, beta: float = 1.0) -> np.ndarray:
    """exp(-d**beta / 2), d the squared Mahalanobis distance: Gaussian for beta = 1, otherwise generalised."""
    return _normalised(np.exp(-0.5 * _distance(size, sigma_x, sigma_y, theta) ** beta))


def plateau(size: int, sigma_x: float, sigma_y: float, theta: float, beta: float) -> np.ndarray:
    """1 / (1 + d**beta): flat around the centre."""
    return _normalised(1 / (1 + _distance(size, sigma_x, sigma_y, theta) ** beta))


def sinc(size: int, cutoff: float) -> np.ndarray:
    """The circular low-pass filter with a cut-off frequency in radians per pixel (pi passes everything); causes ringing."""
    axis = np.arange(size) - size // 2
    radius = np.hypot(axis[:, None], axis)
    radius[size // 2, size // 2] = 1
    kernel = cutoff * j1(cutoff * radius) / (2 * np.pi * radius)
    kernel[size // 2, size // 2] = cutoff**2 / (4 * np.pi)
    return _normalised(kernel)


def separated(kernel: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """[(down a column, along a row), ...] whose outer products approximately sum to the kernel, without its empty border.

    One pair for an isotropic Gaussian, two to six for others (singular value decomposition). Filtering with pairs is faster
    than with the kernel: 2 * size products per pixel and pair instead of size**2.
    """
    kernel = _trimmed(kernel)
    left, values, right = np.linalg.svd(kernel)
    for terms in range(1, len(kernel) + 1):
        near = (left[:, :terms] * values[:terms]) @ right[:terms]
        if np.abs(near - kernel).sum() <= _ERROR:
            break
    factor = 1 / near.sum()  # a flat image stays unchanged
    return [(left[:, i] * values[i] * factor, right[i]) for i in range(terms)]


def _trimmed(kernel: np.ndarray) -> np.ndarray:
    """The kernel without outer rings of negligible weight."""
    total, weight = 0.0, np.abs(kernel)
    while len(kernel) > 1:
        total += weight.sum() - weight[1:-1, 1:-1].sum()
        if total > _TAIL:
            break
        kernel, weight = kernel[1:-1, 1:-1], weight[1:-1, 1:-1]
    return kernel


def _distance(size: int, sigma_x: float, sigma_y: float, theta: float) -> np.ndarray:
    """Squared Mahalanobis distance of each pixel from the centre; axes rotated by theta radians."""
    axis = np.arange(size) - size // 2
    y, x = axis[:, None], axis
    u, v = np.cos(theta) * x + np.sin(theta) * y, np.cos(theta) * y - np.sin(theta) * x
    return (u / sigma_x) ** 2 + (v / sigma_y) ** 2


def _normalised(kernel: np.ndarray) -> np.ndarray:
    return kernel / kernel.sum()
