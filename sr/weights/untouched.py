"""Tries a module and restores its state."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn


@contextmanager
def as_it_was(module: nn.Module) -> Iterator[None]:
    """Context that restores the module's tensors, the modes of its parts and the random state."""
    modes = {part: part.training for part in module.modules()}
    before = [(tensor, tensor.detach().clone()) for tensor in _tensors(module)]
    ours, theirs = random.getstate(), np.random.get_state()
    gpus = {tensor.device.index for tensor, _ in before if tensor.is_cuda}
    try:
        with torch.random.fork_rng(devices=gpus):
            yield
    finally:
        random.setstate(ours)
        np.random.set_state(theirs)
        for part, mode in modes.items():
            part.training = mode
        with torch.no_grad():
            for tensor, value in before:
                if tensor.shape == value.shape and not torch.equal(tensor, value):
                    tensor.copy_(value)


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    """The tensors that have values: a lazy module has none before its first call."""
    for tensor in (*module.parameters(), *module.buffers()):
        if not isinstance(tensor, nn.parameter.UninitializedTensorMixin):
            yield tensor
