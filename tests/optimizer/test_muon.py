"""Muon beside torch's own, beside Adam, and in a run."""

import copy

import pytest
import torch
from torch import nn

from sr.errors import InputError
from sr.optimizer.muon import Muon, orthogonal


def gradients(*networks: nn.Module) -> None:
    for parameters in zip(*(network.parameters() for network in networks), strict=True):
        gradient = torch.randn(parameters[0].shape)
        for p in parameters:
            p.grad = gradient.clone()


def test_matrices_learn_as_by_torchs_muon():
    torch.manual_seed(0)
    ours = nn.Linear(24, 8, bias=False)
    theirs = copy.deepcopy(ours)
    own = Muon(ours.parameters(), lr=0.01, momentum=0.95, ns_steps=5)
    other = torch.optim.Muon(
        theirs.parameters(), lr=0.01, momentum=0.95, weight_decay=0.0, ns_steps=5, adjust_lr_fn="match_rms_adamw"
    )
    start = ours.weight.detach().clone()
    for _ in range(5):
        gradients(ours, theirs)
        own.step()
        other.step()
    moved, apart = (theirs.weight - start).norm(), (ours.weight - theirs.weight).norm()
    assert apart < 0.02 * moved  # torch computes the iterations in bfloat16


def test_vectors_learn_as_by_adam():
    torch.manual_seed(0)
    ours = nn.BatchNorm2d(5)
    theirs = copy.deepcopy(ours)
    own = Muon(ours.parameters(), lr=0.01, betas=(0.9, 0.99))
    other = torch.optim.AdamW(theirs.parameters(), lr=0.01, betas=(0.9, 0.99), weight_decay=0.0)
    for _ in range(5):
        gradients(ours, theirs)
        own.step()
        other.step()
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(p, q, atol=1e-7)


@pytest.mark.parametrize("shape", [(3, 8, 27), (2, 32, 8)])
def test_singular_values_become_about_one_and_the_vectors_stay(shape):
    torch.manual_seed(0)
    given = torch.randn(shape)
    made = orthogonal(given, 8)
    values = torch.linalg.svdvals(made)
    assert values.min() > 0.6
    assert values.max() < 1.3
    u, _, vh = torch.linalg.svd(given, full_matrices=False)
    across = u.mT @ made @ vh.mT
    assert (across - torch.diag_embed(across.diagonal(dim1=-2, dim2=-1))).abs().max() < 1e-4


def test_zero_gradients_move_nothing():
    net = nn.Conv2d(3, 4, 3)
    before = copy.deepcopy(net.state_dict())
    for p in net.parameters():
        p.grad = torch.zeros_like(p)
    Muon(net.parameters(), lr=0.1).step()
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_memory_layout_changes_nothing_and_a_restored_state_continues():
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(3, 8, 3), nn.PReLU(8), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 8, 3))
    last = copy.deepcopy(plain).to(memory_format=torch.channels_last)
    optimizers = [Muon(net.parameters(), lr=0.01) for net in (plain, last)]
    for step in range(4):
        gradients(plain, last)
        for optimizer in optimizers:
            optimizer.step()
        if step == 1:
            state = copy.deepcopy(optimizers[1].state_dict())
            optimizers[1] = Muon(last.parameters(), lr=0.01)
            optimizers[1].load_state_dict(state)
    for p, q in zip(plain.parameters(), last.parameters(), strict=True):
        assert torch.allclose(p, q, atol=1e-6)


@pytest.mark.parametrize(
    "wrong", [{"momentum": 1.0}, {"betas": (0.9, 1.5)}, {"betas": (0.9,)}, {"ns_steps": 0}, {"rms": 0.0}, {"lr": float("nan")}]
)
def test_values_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match="optimizer"):
        Muon(nn.Linear(2, 2).parameters(), **wrong)
