"""Graphs give the network's image at sizes at which their constants or their assumptions could differ."""

import pytest
import torch

from sr.export.traced import traced
from sr.network.interpolation import Interpolation
from sr.network.rlfn import RLFN
from sr.network.spandrel import Spandrel

# At 5 and 14 pixels ESA pools fewer pixels than its window has, at 20 to a single one.
ANY = ((5, 14), (14, 33), (15, 20), (20, 57), (72, 21))
EIGHTS = ((16, 24), (24, 40), (64, 16))


@pytest.mark.medium
@pytest.mark.parametrize(
    ("make", "sizes"),
    [
        (lambda: RLFN(scale=2, n_feats=4, n_blocks=1), ANY),
        (lambda: Interpolation(scale=3, kernel="bicubic"), ANY),
        (lambda: Interpolation(scale=2, kernel="lanczos"), ANY),
        (lambda: Spandrel(scale=2, architecture="SAFMN", n_feats=8, n_blocks=1), EIGHTS),
    ],
    ids=["rlfn", "bicubic", "lanczos", "safmn"],
)
@torch.no_grad()
def test_a_graph_for_any_size(make, sizes):
    torch.manual_seed(0)
    network = make().eval()
    graph = traced(network).module()
    for size in sizes:
        lr = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(graph(lr), network(lr), rtol=0, atol=1e-5)
