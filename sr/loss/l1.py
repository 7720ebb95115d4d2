"""Mean absolute error."""

import torch.nn.functional as F
from torch import Tensor

from sr.loss.base import Loss


def l1(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean of |sr - hr| over all elements of (N, C, H, W); a scalar."""
    return F.l1_loss(sr, hr)


class L1(Loss):
    """Mean absolute error, the loss of EDSR (Lim et al. 2017, arXiv:1707.02921, section 4.2)."""

    def compute(self, sr: Tensor, hr: Tensor) -> Tensor:
        return l1(sr, hr)
