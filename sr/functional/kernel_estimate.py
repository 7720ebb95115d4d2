"""What KernelGAN does to an estimated blur kernel, and how far it is from the true one; kernels are NumPy arrays (k, k).

Bell-Kligler, Shocher, Irani: Blind Super-Resolution Kernel Estimation using an Internal-GAN, 2019, arXiv:1909.06581; the
formulas are those of the authors' code (github.com/sefibk/KernelGAN, util.py).
"""

import numpy as np

from sr.errors import InputError

_WINDOW = 19  # side on which kernels are compared; larger ones are compared as a whole


def significant(kernel: np.ndarray, n: int = 40) -> np.ndarray:
    """The kernel of sum 1 without what is negligible: 3/4 of its (n + 1)-th largest weight is taken from each, and the rest
    is cut at 0.

    Raises:
        InputError: nothing is left, or the kernel has too few weights.
    """
    if n >= kernel.size:
        raise InputError(f"a kernel of {kernel.shape[0]}x{kernel.shape[1]} has no {n} weights to keep")
    kept = np.clip(kernel - 0.75 * np.sort(kernel, axis=None)[-n - 1], 0, None)
    if not kept.sum() > 0:
        raise InputError("the estimated kernel has no positive weight: train longer, or pass another seed")
    return kept / kept.sum()


def twice(kernel: np.ndarray) -> np.ndarray:
    """The kernel of downscaling twice by 2 with `kernel`, as one of x4; cut by k // 2 at each edge (the paper's supplement)."""
    k = len(kernel)
    large = np.zeros((3 * k - 2, 3 * k - 2))
    for (row, column), weight in np.ndenumerate(kernel):
        large[2 * row : 2 * row + k, 2 * column : 2 * column + k] += weight * kernel
    cut = slice(k // 2, -(k // 2) or None)
    return large[cut, cut] / large[cut, cut].sum()


def kernel_psnr(kernel: np.ndarray, true: np.ndarray) -> float:
    """PSNR in dB of two kernels of sum 1 with a peak of 1, on 19x19 pixels around their middles (or as large as they are).

    Compare only what is aligned alike (`sr.functional.given_kernel.aligned`).
    """
    side = max(_WINDOW, *kernel.shape, *true.shape)
    ours, theirs = (_padded(one / one.sum(), side) for one in (kernel, true))
    return float(-10 * np.log10(np.mean((ours - theirs) ** 2)))


def _padded(kernel: np.ndarray, side: int) -> np.ndarray:
    before = [side // 2 - length // 2 for length in kernel.shape]
    return np.pad(kernel, [(a, side - length - a) for a, length in zip(before, kernel.shape, strict=True)])
