"""Blocks computed again in the backward pass: the same gradients, less memory."""

import copy

import pytest
import torch
from torch import nn

from common import activations
from sr.model.recompute import blocks, recompute
from tests.jobs import run_train
from tests.network.small import NAMES, build, scale_of, shrunk

WITHOUT = {"Compact", "DAT", "ESPCN", "FSRCNN", "Interpolation", "ResizeConv", "SRCNN", "SRResNet", "UNet"}
FAST = ("imdn", "rrdb_light", "swinir_light")


def small(name: str) -> nn.Module:
    return build(name, 4 if name == "swinir_large" else scale_of(name), **shrunk(name)).train()


def gradients(network: nn.Module, lr: torch.Tensor) -> list[torch.Tensor | None]:
    torch.manual_seed(1)  # dropout and its like
    trained = [p for p in network.parameters() if p.requires_grad]
    return list(torch.autograd.grad((network(lr) - 0.3).abs().mean(), trained, allow_unused=True))


@pytest.mark.parametrize("name", [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in NAMES])
def test_gradients_are_the_same_and_memory_is_less(name):
    network = small(name)
    if type(network).__name__ in WITHOUT or not blocks(network):
        with pytest.raises(ValueError, match=f"^model.checkpoint_activations: .*{type(network).__name__} ha"):
            recompute(network)
        return
    side = -(-16 // network.multiple_of) * network.multiple_of
    lr, keys = torch.rand(1, 3, side, side), list(network.state_dict())
    before, kept = gradients(network, lr), activations(network, lr, None)
    recompute(network)
    after = gradients(network, lr)
    assert all(a is b is None or torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert activations(network, lr, None) < kept or len(blocks(network)[0].state_dict()) < 3  # VDSR's are one convolution
    assert list(network.state_dict()) == keys


@pytest.mark.parametrize("name", FAST)
def test_a_copy_computes_with_its_own_weights(name):
    """With other weights in its blocks alone it gives what a network gives that always had them; so do its gradients."""
    network, other = small(name).eval(), small(name).eval()  # no dropout
    with torch.no_grad():
        for block in blocks(other):
            for parameter in block.parameters():
                parameter.mul_(0.5)
    recompute(network)
    copied = copy.deepcopy(network)
    copied.load_state_dict(other.state_dict())
    side = -(-16 // network.multiple_of) * network.multiple_of
    lr = torch.rand(1, 3, side, side)
    assert not torch.equal(copied(lr), network(lr))
    assert torch.equal(copied(lr), other(lr))
    with torch.no_grad():
        assert torch.equal(copied(lr), other(lr))
    pairs = zip(gradients(copied, lr), gradients(other, lr), strict=True)
    assert all(a is b is None or torch.equal(a, b) for a, b in pairs)


@pytest.mark.medium
def test_a_run_ends_with_the_same_weights(tmp_path):
    words = ["model=edsr_baseline", "network.n_blocks=2", "model.ema=0.9", "trainer.max_steps=3", f"data_dir={tmp_path}/data"]
    states = []
    for again in ("false", "true"):
        run_train(*words, f"model.checkpoint_activations={again}", f"output_dir={tmp_path}/{again}")
        states.append(torch.load(tmp_path / again / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"])
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
