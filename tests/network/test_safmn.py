"""SAFMN with our pooling is spandrel's, bit for bit."""

import pytest
import torch
from spandrel.architectures.SAFMN import SAFMN as Theirs

from sr.network.spandrel import Spandrel


@pytest.mark.parametrize("size", [(8, 8), (24, 40), (33, 47)])  # the last is no multiple of 8
def test_images_and_gradients_are_spandrels(size):
    ours = Spandrel(scale=2, architecture="SAFMN", n_feats=8, n_blocks=2)
    theirs = Theirs(dim=8, n_blocks=2, upscaling_factor=2)
    theirs.load_state_dict(ours.state_dict())
    lr = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    results = []
    for network in (ours, theirs):
        image = lr.clone().requires_grad_()
        sr = network(image)
        sr.square().sum().backward()
        results.append((sr, image.grad, *(parameter.grad for parameter in network.parameters())))
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))
