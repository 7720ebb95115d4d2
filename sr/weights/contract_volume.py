"""Checks of networks for volumes on a tiny volume before training starts; see sr/weights/contract.py."""

from collections.abc import Collection

import torch
from torch import nn

from sr.errors import InputError
from sr.functional.axes import text
from sr.weights.tried import check_image, check_learns, check_scale, name_of, patch_error, waves
from sr.weights.untouched import as_it_was


def network(network: nn.Module, scale: int, patches: Collection[int] = ()) -> nn.Module:
    """Check that a network enlarges (1, C, D, H, W) by its `factors` to finite values, and that it can learn; it is unchanged.

    Raises:
        InputError: one line that says what is wrong.
    """
    name, multiple, factors = name_of(network), network.multiple_of, tuple(network.factors)
    if len(factors) != 3 or max(factors) != network.scale:
        raise InputError(f"{name}.factors is {factors}: set it to three factors of D, H, W, the largest of them its scale")
    check_scale(network, scale)
    if odd := [patch for patch in patches if patch % multiple]:
        raise patch_error(network, odd[0])
    with as_it_was(network), torch.enable_grad():
        network.eval()
        side = -(-4 // multiple) * multiple
        lr = waves(network, side, side + multiple, side + 2 * multiple)  # to tell D, H and W apart
        sr = network(lr)
        size = tuple(length * f for length, f in zip(lr.shape[2:], factors, strict=True))
        check_image(network, lr, sr, size, f"for factors {text(factors)}")
        check_learns(network, sr)
    return network
