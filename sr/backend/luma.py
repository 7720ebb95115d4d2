"""RGB images through a graph for luma alone."""

from torch import Tensor, nn

from sr.network.luma import LumaNetwork
from sr.say import warn


class Luma(LumaNetwork):
    """RGB (N, 3, H, W), or gray, -> (N, 3, sH, sW): Y by the graph, Cb and Cr by bicubic interpolation.

    Args:
        network: of one channel.
    """

    scales = tuple(range(1, 17))

    def __init__(self, network: nn.Module) -> None:
        super().__init__(scale=network.scale, channels=3)
        self.network, self.multiple_of = network, network.multiple_of
        self.called, self.own_precision = network.called, network.own_precision
        warn(f"{network.path}: takes one channel, which is taken as luma; colour is enlarged by bicubic interpolation")

    def forward_luma(self, y: Tensor) -> Tensor:
        return self.network(y)
