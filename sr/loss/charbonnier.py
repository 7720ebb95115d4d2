"""Charbonnier loss: a smooth L1."""

from torch import Tensor

from sr.errors import InputError
from sr.loss.base import Loss


def charbonnier(sr: Tensor, hr: Tensor, eps: float = 1e-3) -> Tensor:
    """Mean of sqrt((sr - hr)^2 + eps^2) over all elements of (N, C, H, W); a scalar, eps where sr equals hr."""
    return ((sr - hr) ** 2 + eps**2).sqrt().mean()


class Charbonnier(Loss):
    """Charbonnier loss of LapSRN (Lai et al. 2017, arXiv:1704.03915, section 3.2, where eps is 1e-3).

    Args:
        weight: factor in a sum of losses.
        eps: error, in units of [0, 1], below which the loss turns from linear to quadratic.

    Raises:
        InputError: eps is not positive: the root has no gradient at 0.
    """

    def __init__(self, *, weight: float = 1.0, eps: float = 1e-3):
        super().__init__(weight=weight)
        if not eps > 0:
            raise InputError(f"loss.charbonnier.eps={eps} must be positive; for eps=0 use loss=[l1]")
        self.eps = eps

    def compute(self, sr: Tensor, hr: Tensor) -> Tensor:
        return charbonnier(sr, hr, eps=self.eps)
