"""Checks of networks for volumes on a tiny volume before training starts; see sr/weights/contract.py."""

from collections.abc import Collection

import torch
from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.axes import text
from sr.weights.untouched import as_it_was


def network(network: nn.Module, scale: int, patches: Collection[int] = ()) -> nn.Module:
    """Check that a network enlarges (1, C, D, H, W) by its `factors` to finite values, and that it can learn; it is unchanged.

    Raises:
        InputError: one line that says what is wrong.
    """
    name, multiple, factors = type(network).__name__, network.multiple_of, tuple(network.factors)
    if len(factors) != 3 or max(factors) != network.scale:
        raise InputError(f"{name}.factors is {factors}: set it to three factors of D, H, W, the largest of them its scale")
    if network.scale != scale:
        raise InputError(f"{name} enlarges by {network.scale}, but scale={scale}: pass network.scale={scale}, or change scale")
    for patch in patches:
        if patch % multiple:
            near = max(patch // multiple, 1) * multiple
            raise InputError(f"data.patch_size={patch}: {name} accepts only multiples of {multiple}; pass {near}")
    with as_it_was(network), torch.enable_grad():
        network.eval()
        side = -(-4 // multiple) * multiple
        lr = _volume(network, (side, side + multiple, side + 2 * multiple))  # to tell D, H and W apart
        sr = network(lr)
        wanted = (*lr.shape[:2], *(size * f for size, f in zip(lr.shape[2:], factors, strict=True)))
        if not isinstance(sr, Tensor) or tuple(sr.shape) != wanted:
            what = tuple(sr.shape) if isinstance(sr, Tensor) else type(sr).__name__
            raise InputError(f"{name} turns {tuple(lr.shape)} into {what}; expected {wanted} for factors {text(factors)}")
        if not sr.is_floating_point() or not torch.isfinite(sr.detach().sum()):
            raise InputError(f"{name} returns NaN, infinite or whole numbers for a volume in [0, 1]")
        if any(parameter.requires_grad for parameter in network.parameters()) and not sr.requires_grad:
            raise InputError(f"{name}: no gradient reaches its parameters (no_grad, detach or numpy in forward?)")
    return network


def _volume(network: nn.Module, sizes: tuple[int, int, int]) -> Tensor:
    """(1, C, D, H, W) in [0, 1] on the network's device: waves."""
    z, y, x = torch.meshgrid(*(torch.arange(size) for size in sizes), indexing="ij")
    waves = torch.stack([((k + 2) * x * 0.37 + (4 - k) * y * 0.23 + z * 0.31).sin() for k in range(network.channels)])
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    return (waves * 0.4 + 0.5)[None].to(device)
