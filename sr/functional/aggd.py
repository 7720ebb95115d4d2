"""Fit of asymmetric generalised Gaussian distributions by moments.

Lasmar, Stitou, Berthoumieu: Multiscale skewed heavy-tailed model for texture analysis, ICIP 2009, as NIQE uses it (Mittal,
Soundararajan, Bovik 2013, eq. 7 and 8).
"""

from functools import lru_cache

import torch
from torch import Tensor


def fit(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(M, P) float64 -> shape, left scale and right scale, (M,) each: gamma, beta_l and beta_r of Mittal's equation 7.

    The shape is the nearest of 0.200, 0.201 ... 10.000, as in the authors' MATLAB code. If all values are on one side of 0,
    the scale of the other side is NaN and the shape 0.2, as in MATLAB.
    """
    left, right = (_deviation(values, side) for side in (values < 0, values > 0))
    ratio = left / right
    moments = values.abs().mean(1) ** 2 / (values**2).mean(1)
    wanted = moments * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shape = _nearest(wanted)
    scale = ((torch.lgamma(1 / shape) - torch.lgamma(3 / shape)) / 2).exp()
    return shape, left * scale, right * scale


def mean(shape: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """The mean of the fitted distribution: Mittal's equation 8."""
    return (right - left) * (torch.lgamma(2 / shape) - torch.lgamma(1 / shape)).exp()


def _deviation(values: Tensor, chosen: Tensor) -> Tensor:
    """Root mean square of the selected values of each row; NaN if there are none."""
    return ((values**2 * chosen).sum(1) / chosen.sum(1)).sqrt()


def _nearest(wanted: Tensor) -> Tensor:
    """The shapes whose generalised Gaussian ratio is nearest to the given one."""
    shapes, ratios = (table.to(wanted.device) for table in _table())
    above = torch.searchsorted(ratios, wanted.contiguous()).clamp(1, len(ratios) - 1)
    index = above - (wanted - ratios[above - 1] <= ratios[above] - wanted).long()
    return shapes[torch.where(wanted.isnan(), 0, index)]


@lru_cache(maxsize=1)
def _table() -> tuple[Tensor, Tensor]:
    """Shapes and their ratio Gamma(2/g)^2 / (Gamma(1/g) Gamma(3/g)), which increases with the shape."""
    with torch.inference_mode(False):
        shapes = torch.arange(200, 10001, dtype=torch.float64) / 1000
        ratios = 2 * torch.lgamma(2 / shapes) - torch.lgamma(1 / shapes) - torch.lgamma(3 / shapes)
        return shapes, ratios.exp()
