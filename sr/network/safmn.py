"""SAFMN's modulation of features, with pooling that can be traced for images of any size.

Sun, Dong, Tang, Pan: Spatially-Adaptive Feature Modulation for Efficient Image Super-Resolution, ICCV 2023,
arXiv:2302.13800. The rest of SAFMN is spandrel's (sr/network/spandrel.py).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SAFM(nn.Module):
    """(N, n_feats, H, W) -> the same: weights from maxima over windows of 1, 2, 4 ... pixels; section 3.1.

    Keys: mfr, aggr, as in sunny2109/SAFMN.
    """

    def __init__(self, mfr: nn.ModuleList, aggr: nn.Conv2d) -> None:
        super().__init__()
        self.mfr, self.aggr = mfr, aggr

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[2:]
        weights = []
        for level, (part, conv) in enumerate(zip(x.chunk(len(self.mfr), 1), self.mfr, strict=True)):
            pooled = _maxima(part, 2**level) if level else part
            weights.append(F.interpolate(conv(pooled), size, mode="nearest") if level else conv(pooled))
        return F.gelu(self.aggr(torch.cat(weights, 1))) * x


def _maxima(x: Tensor, window: int) -> Tensor:
    """Maxima over windows.

    SAFMN's own code asks for a size, which a tracer takes for a constant. Its windows are these if they cover the image evenly.
    """
    height, width = x.shape[2:]
    if height % window or width % window:
        return F.adaptive_max_pool2d(x, (height // window, width // window))
    return F.max_pool2d(x, window)


def replace_modulation(network: nn.Module) -> None:
    """Put our modulation, with the same weights and keys, in the place of each of spandrel's; in place."""
    for block in network.modules():
        if hasattr(block, "safm"):
            block.safm = SAFM(block.safm.mfr, block.safm.aggr)
