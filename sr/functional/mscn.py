"""Mean-subtracted contrast-normalised coefficients: an image without its local mean and contrast.

Mittal, Moorthy, Bovik: No-Reference Image Quality Assessment in the Spatial Domain, IEEE TIP 21(12), 2012, eq. 1 to 3.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

_REACH, _SIGMA = 3, 7 / 6  # a Gaussian window of 7x7 pixels
_NOISE = 1e-9  # smaller differences are rounding errors in flat areas, whose signs depend on the machine


def mscn(image: Tensor) -> Tensor:
    """(N, 1, H, W) in 0..255, float64 -> the same shape: (image - mean) / (deviation + 1), both local; edges replicated."""
    mean = _smoothed(image)
    difference = image - mean
    difference = torch.where(difference.abs() < _NOISE, 0.0, difference)
    deviation = (_smoothed(image**2) - mean**2).abs().sqrt()
    return difference / (deviation + 1)


def _smoothed(image: Tensor) -> Tensor:
    steps = torch.arange(-_REACH, _REACH + 1, dtype=image.dtype, device=image.device)
    weights = torch.exp(-(steps**2) / (2 * _SIGMA**2))
    weights = weights / weights.sum()
    image = F.pad(image, (_REACH,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(image, weights.view(1, 1, -1, 1)), weights.view(1, 1, 1, -1))
