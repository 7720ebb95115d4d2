"""Mean squared error."""

import torch.nn.functional as F
from torch import Tensor

from sr.loss.base import Loss


def mse(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean of (sr - hr)^2 over all elements of (N, C, H, W); a scalar."""
    return F.mse_loss(sr, hr)


class MSE(Loss):
    """Mean squared error, the loss of SRCNN (Dong et al. 2014, arXiv:1501.00092, section 3.3)."""

    def compute(self, sr: Tensor, hr: Tensor) -> Tensor:
        return mse(sr, hr)
