"""Locally discriminative learning: L1 weighted towards GAN artifacts."""

import torch
import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError
from sr.loss.base import Loss


def artifact_map(sr: Tensor, hr: Tensor, average: Tensor | None = None, window: int = 7) -> Tensor:
    """The likelihood that each pixel is an artifact: the local variance of the residual |sr - hr|, summed over channels.

    Args:
        sr, hr: (N, C, H, W), H and W above window // 2.
        average: the same image by the averaged network (EMA); pixels where sr is better than it get weight 0.
        window: side of the local window, odd.

    Returns:
        (N, 1, H, W).

    Raises:
        InputError: the window is too large to mirror the patch.

    Source: Liang, Zeng, Zhang 2022, arXiv:2203.09195, section 3.2.
    """
    if min(sr.shape[-2:]) <= window // 2:
        raise InputError(f"loss.ldl.window={window} is too large for patches of {sr.shape[-2]}x{sr.shape[-1]}")
    residual = (hr - sr).abs().sum(1, keepdim=True)
    padded = F.pad(residual, [window // 2] * 4, mode="reflect")
    local = padded.unfold(2, window, 1).unfold(3, window, 1).var(dim=(-1, -2))
    whole = residual.var(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12)  # the root has no gradient at 0
    weight = whole**0.2 * local  # exponent 1/5: stabilises the weight over the course of training
    if average is not None:
        weight = torch.where(residual < (hr - average).abs().sum(1, keepdim=True), 0.0, weight)
    return weight


class LDL(Loss):
    """L1 of sr and hr, both times the artifact map (Liang et al. 2022, arXiv:2203.09195, section 3.3).

    With an averaged network (model.ema) its image refines the map, as in the paper; without one, the map is used unchanged.

    Args:
        weight: factor in a sum of losses.
        window: side of the local window, odd.

    Raises:
        InputError: an even window, or one of a single pixel, which has no variance.
    """

    uses_average = True

    def __init__(self, *, weight: float = 1.0, window: int = 7) -> None:
        super().__init__(weight=weight)
        if window < 3 or window % 2 == 0:
            raise InputError(f"loss.ldl.window={window}: must be odd and at least 3")
        self.window = window

    def compute(self, sr: Tensor, hr: Tensor, average: Tensor | None = None) -> Tensor:
        weight = artifact_map(sr, hr, average, self.window)
        return F.l1_loss(weight * sr, weight * hr)
