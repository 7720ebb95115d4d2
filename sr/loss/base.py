"""Base class of losses: a weight, a shape check, and float32 arithmetic."""

import torch
from torch import Tensor, nn

from sr.errors import InputError


class Loss(nn.Module):
    """A criterion (sr, hr) -> scalar; a subclass writes ``compute``.

    A subclass with ``uses_average`` also receives the averaged network's image, if there is one: (sr, hr, average).

    Args:
        weight: factor of this loss in a sum of losses. The caller multiplies; ``forward`` does not.
    """

    uses_average = False

    def __init__(self, *, weight: float = 1.0):
        super().__init__()
        self.weight = weight

    def forward(self, sr: Tensor, hr: Tensor, *average: Tensor) -> Tensor:
        """Compare two batches (N, C, H, W) in [0, 1]; a scalar in float32 (float64 if the inputs are).

        Raises:
            InputError: sr and hr differ in shape (broadcasting would hide it).
        """
        if sr.shape != hr.shape:
            raise InputError(f"sr is {tuple(sr.shape)} and hr is {tuple(hr.shape)}: a loss needs equal shapes")
        # Under autocast a network's output is bf16 or fp16: too coarse for variances, squares and long sums. Autocast stays
        # on: it lowers only convolutions and matrix products, which is fine for feature losses.
        dtype = torch.promote_types(torch.promote_types(sr.dtype, hr.dtype), torch.float32)
        return self.compute(sr.to(dtype), hr.to(dtype), *(image.to(dtype) for image in average))

    def compute(self, sr: Tensor, hr: Tensor) -> Tensor:
        """The loss of two batches of one shape and dtype."""
        raise NotImplementedError
