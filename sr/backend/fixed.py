"""Images of any size through a graph that takes one size alone."""

import torch.nn.functional as F
from torch import Tensor, nn

from sr.backend.exported import Exported

OVERLAP = 8  # LR pixels at each inner edge of a window that are discarded


class AnySize(nn.Module):
    """(N, C, H, W) -> (N, C, sH, sW) by overlapping windows of the size that the graph takes.

    Pixels near the edge of a window, which lack their surroundings, come from its neighbour. An image smaller than a window is
    continued by its edge.

    Args:
        network: with `sides`.
    """

    def __init__(self, network: Exported) -> None:
        super().__init__()
        self.network, self.path = network, network.path
        self.called, self.own_precision = network.called, network.own_precision
        self.scale, self.channels, self.multiple_of = network.scale, network.channels, 1

    def forward(self, lr: Tensor) -> Tensor:
        height, width = lr.shape[-2:]
        rows, columns = self.network.sides
        lr = F.pad(lr, (0, max(columns - width, 0), 0, max(rows - height, 0)), mode="replicate")
        s = self.scale
        sr = lr.new_zeros(*lr.shape[:2], lr.shape[2] * s, lr.shape[3] * s)
        for top, y in _places(lr.shape[2], rows):
            for left, x in _places(lr.shape[3], columns):
                made = self.network(lr[..., top : top + rows, left : left + columns])
                sr[..., (top + y) * s : (top + rows) * s, (left + x) * s : (left + columns) * s] = made[..., y * s :, x * s :]
        return sr[..., : height * s, : width * s]


def _places(length: int, window: int) -> list[tuple[int, int]]:
    """Where windows begin, and how many pixels of each are left to the one before."""
    if length == window:
        return [(0, 0)]
    overlap = min(OVERLAP, (window - 1) // 2)
    starts = [*range(0, length - window, window - 2 * overlap), length - window]
    return [(start, 0 if number == 0 else overlap) for number, start in enumerate(starts)]
