"""A blur kernel from a file, and downscaling by it: the degradation of ZSSR and KernelGAN.

Shocher, Cohen, Irani 2018, arXiv:1712.06087, section 3.2, with the alignment of the authors' code (`kernel_shift`).
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.io import loadmat
from scipy.io.matlab import MatReadError
from scipy.ndimage import center_of_mass, shift
from torch import Tensor

from sr.errors import InputError, MissingError
from sr.functional.resize import pad_symmetric

_SUM = 1e-3  # by which the sum of a kernel may differ from 1: less than half an 8-bit level


def read_kernel(file: str | Path) -> np.ndarray:
    """(k, l) float64, both odd, with sum 1, from a NumPy file (.npy) or a MATLAB file (.mat) with one 2-D array.

    Raises:
        MissingError: no such file. InputError: not such an array; one line that names the file.
    """
    path = Path(file).expanduser()
    if not path.is_file():
        raise MissingError(f"kernel={file}: no such file; pass a 2-D array as .npy or .mat")
    try:
        kernel = np.load(path, allow_pickle=False) if path.suffix == ".npy" else _matlab(path)
    except InputError:
        raise
    except (ValueError, TypeError, NotImplementedError, OSError, EOFError, MatReadError):
        raise InputError(f"kernel={file} cannot be read: pass a 2-D array of numbers as .npy or .mat") from None
    if not isinstance(kernel, np.ndarray) or kernel.ndim != 2 or kernel.dtype.kind not in "fiu":
        raise InputError(f"kernel={file} is no 2-D array of numbers: pass one as .npy or .mat")
    if kernel.shape[0] % 2 == 0 or kernel.shape[1] % 2 == 0:
        shape = "x".join(map(str, kernel.shape))
        raise InputError(f"kernel={file} is {shape}: its sides must be odd, so that it has a centre pixel; pad it by zeros")
    kernel = kernel.astype(np.float64)
    if not np.isfinite(kernel).all():
        raise InputError(f"kernel={file} has NaN or infinite values")
    if abs(kernel.sum() - 1) > _SUM:
        raise InputError(f"kernel={file} sums to {kernel.sum():.4g}, not to 1: divide it by its sum")
    return kernel / kernel.sum()


def _matlab(path: Path) -> Any:
    arrays = {name: value for name, value in loadmat(path).items() if not name.startswith("__")}
    if len(arrays) > 1 and "Kernel" not in arrays:
        raise InputError(f"kernel={path} has several arrays ({', '.join(arrays)}): name the kernel Kernel")
    return arrays.get("Kernel", next(iter(arrays.values()), None))


def aligned(kernel: np.ndarray, scale: int) -> np.ndarray:
    """The kernel, moved (by cubic splines) so that its centre of mass lies in the middle of scale x scale HR pixels.

    A shift of the picture by the kernel cannot be told from its content, so none is assumed; and LR pixel i then lies over HR
    pixels scale * i to scale * i + scale - 1, as with bicubic downscaling, so that LR enlarged by bicubic is where HR is.
    """
    wanted = np.array(kernel.shape) // 2 + 0.5 * (scale - np.array(kernel.shape) % 2)
    move = wanted - center_of_mass(kernel)
    return shift(np.pad(kernel, math.ceil(np.abs(move).max()) + 1), move)


def downscaled(image: Tensor, kernel: np.ndarray, scale: int) -> Tensor:
    """(N, C, H, W) correlated with an `aligned` kernel, mirrored at its edges, every scale-th pixel: (N, C, H / s, W / s)."""
    (top, left), channels = (side // 2 for side in kernel.shape), image.shape[1]
    padded = pad_symmetric(pad_symmetric(image, -2, top, top), -1, left, left)
    weight = torch.as_tensor(kernel, dtype=image.dtype, device=image.device).expand(channels, 1, -1, -1)
    with torch.autocast(image.device.type, enabled=False):
        made = F.conv2d(padded, weight, groups=channels, stride=scale)
    return made[..., : image.shape[-2] // scale, : image.shape[-1] // scale]
