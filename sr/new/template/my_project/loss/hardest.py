"""A loss: the mean absolute error of the pixels that are furthest from HR."""

from sr.loss.base import Loss
from torch import Tensor


class Hardest(Loss):
    """Mean of the largest |sr - hr| of each image, averaged over the batch; a scalar.

    Args:
        share: of the values of an image that count, above 0, at most 1 (then it is the L1 loss).
        weight: factor in a sum of losses.
    """

    def __init__(self, *, share: float = 0.1, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        if not 0 < share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, got {share}")
        self.share = share

    def compute(self, sr: Tensor, hr: Tensor) -> Tensor:
        errors = (sr - hr).abs().flatten(1)
        return errors.topk(max(1, round(self.share * errors.shape[1])), dim=1).values.mean()
