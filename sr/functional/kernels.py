"""Blur kernels for blind super-resolution: Gaussian, generalised Gaussian, plateau and sinc, as NumPy arrays (k, k) with sum
1.

Real-ESRGAN: Wang, Xie, Dong, Shan 2021, arXiv:2107.10833, section 3.1 and its supplement.
"""

import numpy as np
from scipy.special import j1

_TAIL = 2e-4  # of a kernel's weight that may be cut off at its border: less than 0.05 of an 8-bit level
_ERROR = 1e-3  # of the weights, summed, that a kernel of few terms may be off: at most a quarter of a level, mostly far less


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


def trimmed(kernel: np.ndarray) -> np.ndarray:
    """The kernel without the rings around it that weigh nothing."""
    total, weight = 0.0, np.abs(kernel)
    while len(kernel) > 1:
        total += weight.sum() - weight[1:-1, 1:-1].sum()
        if total > _TAIL:
            break
        kernel, weight = kernel[1:-1, 1:-1], weight[1:-1, 1:-1]
    return kernel


def separated(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Kernels down the columns and along the rows, (terms, k) each, whose outer products sum to the kernel, nearly.

    One term for an isotropic Gaussian, two to ten for others. Filtering with them is faster than with the kernel: a pixel takes
    2 * k products for a term, and k**2 for the kernel. Each term is the cross through the largest weight that is left (cross
    approximation with full pivoting, Bebendorf 2000): as few terms as a singular value decomposition to this precision.
    """
    rest, down, along = kernel.copy(), [], []
    while np.abs(rest).sum() > _ERROR or not down:
        y, x = divmod(int(np.abs(rest).argmax()), len(kernel))
        down.append(rest[:, x] / rest[y, x])
        along.append(rest[y].copy())
        rest -= down[-1][:, None] * along[-1]
    return np.stack(down) / (kernel - rest).sum(), np.stack(along)  # of sum 1: a flat image stays as it is


def _distance(size: int, sigma_x: float, sigma_y: float, theta: float) -> np.ndarray:
    """Squared Mahalanobis distance of each pixel from the centre; axes rotated by theta radians."""
    axis = np.arange(size) - size // 2
    y, x = axis[:, None], axis
    u, v = np.cos(theta) * x + np.sin(theta) * y, np.cos(theta) * y - np.sin(theta) * x
    return (u / sigma_x) ** 2 + (v / sigma_y) ** 2


def _normalised(kernel: np.ndarray) -> np.ndarray:
    return kernel / kernel.sum()
