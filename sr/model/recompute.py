"""Gradient checkpointing: the blocks of a network are computed again in the backward pass instead of being kept.

Chen, Xu, Zhang, Guestrin: Training Deep Nets with Sublinear Memory Cost, 2016, arXiv:1604.06174.
"""

from collections import Counter
from types import MethodType
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from sr.errors import InputError

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def recompute(network: nn.Module) -> None:
    """From now on training keeps the input of each block alone; weights, keys and gradients stay what they are.

    Raises:
        ValueError: the network has no repeated blocks, or batch statistics in them, which would be counted twice.
    """
    found = blocks(network)
    name = type(network).__name__
    if not found:
        raise InputError(f"model.checkpoint_activations: {name} has no repeated blocks that could be computed again")
    if any(isinstance(part, _BATCH_NORMS) for block in found for part in block.modules()):
        raise InputError(f"model.checkpoint_activations: the blocks of {name} have batch statistics, which would count twice")
    for block in found:
        # A bound method, which `copy.deepcopy` binds to the copy; a closure would go on computing with this block.
        block.forward = MethodType(_again, block)


def blocks(module: nn.Module) -> list[nn.Module]:
    """The outermost modules of which some module has two or more of a class: residual blocks, groups of transformer layers."""
    children = list(module.children())
    classes = Counter(type(child) for child in children if _is_block(child))
    repeated = {kind for kind, count in classes.items() if count > 1}
    return [b for child in children for b in ([child] if type(child) in repeated else blocks(child))]


def _is_block(module: nn.Module) -> bool:
    """Whether it has parts of its own: a convolution alone keeps nothing but its input anyway."""
    return not isinstance(module, _CONTAINERS) and any(True for _ in module.children())


def _again(block: nn.Module, *args: Any, **kwargs: Any) -> Any:
    """The block's own `forward`, with only its inputs kept where a gradient will be asked for."""
    if not torch.is_grad_enabled():
        return type(block).forward(block, *args, **kwargs)
    return checkpoint(type(block).forward, block, *args, use_reentrant=False, **kwargs)
