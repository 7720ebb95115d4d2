"""Compact on luma alone: the network for runs that are measured on Y, as the papers until 2016 trained."""

from torch import Tensor

from sr.network.compact import Compact, options
from sr.network.luma import LumaNetwork
from sr.network.release import Release

_INNER = "network."  # before the names of the Compact's tensors


class CompactLuma(LumaNetwork):
    """Luma network, x1 (restoration), x2, x3, x4, x6, x8: a Compact of one channel (sr/network/compact.py).

    With `model.channel=y` it learns from luma alone. A Compact of three channels also has to learn colours, and photos of JPEG
    files have coarse ones; what it learns of them decides by chance over 0.1 dB on Y (experiments/speedrun).
    """

    release = Release(
        (f"{_INNER}body.0.weight", f"{_INNER}body.1.weight"),
        lambda shapes: options({key.removeprefix(_INNER): shape for key, shape in shapes.items()}, channels=1),
    )
    scales = (1, 2, 3, 4, 6, 8)

    def __init__(self, *, scale: int = 2, channels: int = 3, n_feats: int = 64, n_blocks: int = 16) -> None:
        super().__init__(scale=scale, channels=channels)
        self.network = Compact(scale=scale, channels=1, n_feats=n_feats, n_blocks=n_blocks)

    def forward_luma(self, y: Tensor) -> Tensor:
        return self.network(y)
