"""The factor by which a network upscales, as a fraction with small numbers."""

import math
from fractions import Fraction

from torch import nn

from sr.errors import InputError
from sr.infer.tiles import FINEST
from sr.network.inputs import takes_size, warn_outside
from sr.network.name import name_of

CLOSE = 1e-4  # relative tolerance: 1.3333 is treated as 4/3


def factor(network: nn.Module, scale: float | None = None) -> Fraction:
    """The upscaling factor of a network, as a fraction with small numbers; warns outside the range it was trained for.

    Args:
        scale: None: the network's own.

    Raises:
        InputError: another scale for a network with a fixed one; a scale that is not a fraction with small numbers.
    """
    if scale is None or scale == network.scale:
        return Fraction(network.scale).limit_denominator(FINEST)
    name = name_of(network)
    if not takes_size(network):
        raise InputError(
            f"scale={scale}: {name} only upscales by {network.scale}; networks for any scale have an argument size in forward"
        )
    if not 0 < scale < math.inf:
        raise InputError(f"scale={scale}: choose a factor such as 3.7")
    found = Fraction(scale).limit_denominator(FINEST)
    if abs(found / scale - 1) > CLOSE:
        raise InputError(f"scale={scale}: choose a factor with at most two decimals, such as {round(scale, 2)}")
    warn_outside(network, scale)
    return found
