"""A network for photographs, applied to each band of an image on its own."""

import torch
from torch import Tensor, nn

from sr.errors import InputError
from sr.network.inputs import conditions


class Bandwise(nn.Module):
    """(N, `channels`, H, W) -> (N, `channels`, sH, sW): each band as a gray image.

    Networks for RGB get it three times, and the mean of their three channels is taken.

    The comparison that training on other bands has to win: what a network for photographs makes of them.

    Args:
        network: of one or three channels.
        channels: bands of an image.

    Raises:
        InputError: a network of other channels, or one that needs more inputs than LR.
    """

    def __init__(self, *, network: nn.Module, channels: int) -> None:
        super().__init__()
        self.network, self.channels = network, channels
        self.scale, self.multiple_of = network.scale, network.multiple_of
        self._width = getattr(network, "channels", 3)
        if self._width not in (1, 3):
            raise InputError(f"bandwise=true: {type(network).__name__} has {self._width} channels; it needs one or three")
        if others := conditions(network):
            raise InputError(f"bandwise=true: {type(network).__name__} also needs {', '.join(others)}")

    def forward(self, lr: Tensor) -> Tensor:
        bands = (self.network(band.expand(-1, self._width, -1, -1)).mean(1, keepdim=True) for band in lr.split(1, 1))
        return torch.cat(list(bands), 1)
