"""R1: the squared gradient norm of the discriminator on real images."""

from collections.abc import Callable

import torch
from torch import Tensor


def r1_penalty(discriminator: Callable[[Tensor], Tensor], hr: Tensor) -> Tensor:
    """Half the mean over images of ||grad D(hr)||^2, D summed over an image's logits; a scalar.

    Source: Mescheder, Geiger, Nowozin 2018, arXiv:1801.04406, equation 9 (gamma is the caller's weight).
    """
    hr = hr.detach().requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(hr).sum(), hr, create_graph=True)
    return slope.square().flatten(1).sum(1).mean() / 2
