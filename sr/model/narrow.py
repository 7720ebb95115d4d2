"""A module that trains a network goes on with fewer channels: its weights, their average and the optimizer's state."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sr.errors import InputError
from sr.model.base import SRModule
from sr.model.channels import Channels, Dropped


def narrow(module: SRModule, optimizer: Optimizer, dropped: Dropped) -> None:
    """Remove channels from the network that `module` trains by `optimizer`. What is kept keeps its values and moments.

    Args:
        dropped: for each prunable convolution the output channels that go (sr/model/channels.py).
    """
    network = module.network
    before = dict(network.named_parameters())
    names = {weight: name for name, weight in before.items()}
    states = _narrowed_states(network, optimizer, names, dropped)

    Channels(network).drop(dropped)
    after = dict(network.named_parameters())
    for name, weight in after.items():
        weight.requires_grad_(before[name].requires_grad)
    for group in optimizer.param_groups:
        group["params"] = [after[names[weight]] for weight in group["params"]]
    optimizer.state.clear()
    for name, state in states.items():
        optimizer.state[after[name]] = {
            key: torch.empty_like(after[name]).copy_(value) if _is_moment(value) else value  # in the weight's memory layout
            for key, value in state.items()
        }
    if module.average is not None:
        Channels(module.average.module).drop(dropped)
        module.average.requires_grad_(False)
        module.average.begin()  # its tensors are new ones
    module.reshaped()


def _narrowed_states(
    network: nn.Module, optimizer: Optimizer, names: dict[nn.Parameter, str], dropped: Dropped
) -> dict[str, dict[str, Any]]:
    """Parameter -> the optimizer's state of it, without the channels that go.

    Moments have the shapes of their weights: as the weights of a copy of the network they lose the same channels.
    """
    states = {names[weight]: dict(state) for weight, state in optimizer.state.items()}
    shapes = {name: weight.shape for weight, name in names.items()}
    found = [(name, key, value) for name, state in states.items() for key, value in state.items() if _is_moment(value)]
    if other := next((key for name, key, value in found if value.shape != shapes[name]), None):
        raise InputError(f"{type(optimizer).__name__} keeps {other}, which channels do not have: pass optimizer=adam to prune")
    for moment in dict.fromkeys(key for _, key, _ in found):
        moments = copy.deepcopy(network)
        with torch.no_grad():
            for name, weight in moments.named_parameters():
                if moment in states.get(name, {}):
                    weight.copy_(states[name][moment])
        for name, weight in Channels(moments).drop(dropped).named_parameters():
            if moment in states.get(name, {}):
                states[name][moment] = weight.detach()
    return states


def _is_moment(value: Any) -> bool:
    """Whether it has a value for each weight, unlike a counter of steps."""
    return isinstance(value, Tensor) and value.ndim > 0
