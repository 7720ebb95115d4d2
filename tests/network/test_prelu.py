"""PReLU with a backward pass of vector operations."""

import pytest
import torch
from torch import nn

from sr.network.prelu import PReLU


@pytest.mark.parametrize("shape", [(2, 8, 5, 7), (2, 8, 3, 4, 5)])
@pytest.mark.parametrize("n_weights", [1, 8])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_values_and_gradients_are_those_of_torch(shape, n_weights, dtype):
    torch.manual_seed(0)
    layout = torch.channels_last if len(shape) == 4 else torch.channels_last_3d
    x = torch.randn(shape).to(memory_format=layout).to(dtype)
    x.flatten()[::7] = 0.0
    found = []
    for make in (PReLU, nn.PReLU):
        act, own = make(n_weights).to(dtype), x.clone().requires_grad_()
        y = act(own)
        y.backward(torch.linspace(-1, 1, y.numel(), dtype=dtype).view(shape))
        found.append((y, own.grad, act.weight.grad))
    (y, dx, dw), (their_y, their_dx, their_dw) = found
    assert torch.equal(y, their_y)
    assert torch.equal(dx, their_dx)
    assert dw.shape == their_dw.shape
    assert torch.allclose(dw, their_dw, rtol=1e-2 if dtype == torch.bfloat16 else 1e-5)  # the order of a sum


def test_gradient_of_the_gradient():
    act = PReLU(3).double()
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(act, (x,))


def test_under_autocast_weights_stay_float32():
    act = PReLU(4)
    with torch.autocast("cpu", torch.bfloat16):
        y = act(nn.Conv2d(3, 4, 3)(torch.randn(1, 3, 8, 8)))
    y.float().sum().backward()
    assert y.dtype == torch.bfloat16
    assert act.weight.grad.dtype == torch.float32


def test_it_compiles_and_exports():
    act = PReLU(4)
    x = torch.randn(1, 4, 8, 8)
    graph = torch.export.export(act, (x,)).module()
    assert torch.equal(graph(x), nn.PReLU(4)(x))
