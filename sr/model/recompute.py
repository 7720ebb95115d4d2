"""Gradient checkpointing: blocks of a network are recomputed in the backward pass instead of being stored.

Of a network for clips they are its steps in time: the methods that it names in `recomputed`.

Chen, Xu, Zhang, Guestrin: Training Deep Nets with Sublinear Memory Cost, 2016, arXiv:1604.06174.
"""

from collections import Counter
from functools import partial
from types import MethodType
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from sr.errors import InputError

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def recompute(network: nn.Module) -> None:
    """Keep only the input of each block during training; weights, keys and gradients are unchanged.

    Raises:
        InputError: the network has no repeated blocks, or they have batch statistics, which would be updated twice.
    """
    stepping = [part for part in network.modules() if getattr(part, "recomputed", ())]
    for part in stepping:
        for method in part.recomputed:
            setattr(part, method, MethodType(partial(_again, method=method), part))
    if stepping:
        return
    found = blocks(network)
    name = type(network).__name__
    if not found:
        raise InputError(f"model.checkpoint_activations: {name} has no repeated blocks to recompute")
    if any(isinstance(part, _BATCH_NORMS) for block in found for part in block.modules()):
        raise InputError(
            f"model.checkpoint_activations: the blocks of {name} have batch statistics, which would be updated twice"
        )
    for block in found:
        # A bound method: `copy.deepcopy` binds it to the copy; a closure would still compute with this block.
        block.forward = MethodType(_again, block)


def blocks(module: nn.Module) -> list[nn.Module]:
    """The outermost modules whose class occurs at least twice side by side: residual blocks, groups of transformer layers."""
    children = list(module.children())
    classes = Counter(type(child) for child in children if _is_block(child))
    repeated = {kind for kind, count in classes.items() if count > 1}
    return [b for child in children for b in ([child] if type(child) in repeated else blocks(child))]


def _is_block(module: nn.Module) -> bool:
    """Whether it has sub-modules: a single convolution stores only its input anyway."""
    return not isinstance(module, _CONTAINERS) and any(True for _ in module.children())


def _again(block: nn.Module, *args: Any, method: str = "forward", **kwargs: Any) -> Any:
    """The block's own `forward`, or other method, which stores only its inputs if gradients are needed."""
    own = getattr(type(block), method)
    if not torch.is_grad_enabled():
        return own(block, *args, **kwargs)
    return checkpoint(own, block, *args, use_reentrant=False, **kwargs)
