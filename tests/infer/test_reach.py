"""How far networks look, against what their layers say."""

import pytest
from torch import nn

from sr.infer.reach import reach
from sr.network.compact import Compact
from sr.network.imdn import IMDN
from sr.network.interpolation import Interpolation


class Far(nn.Conv2d):
    """Sees 100 pixels to each side."""

    scale, multiple_of = 1, 1

    def __init__(self) -> None:
        super().__init__(3, 3, (1, 201), padding=(0, 100))


@pytest.mark.parametrize(
    "network, expected",
    [
        (Interpolation(scale=2, kernel="nearest"), 0),
        (Interpolation(scale=3), 2),
        (Compact(scale=2, n_feats=8, n_blocks=3), 5),  # a convolution before and one after
        (Far(), 100),
        (IMDN(scale=2), None),  # contrast-aware attention pools over the image
    ],
)
def test_reach(network, expected):
    assert reach(network.eval()) == expected
