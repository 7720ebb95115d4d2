"""The size of a network: its parameters and its multiply-adds per image."""

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sr.infer.upscaler import channels
from sr.network.inputs import alone, chosen


def parameters(network: nn.Module) -> int:
    """Number of parameters used in evaluation: for SPAN the merged convolutions, not the ones they are merged from."""
    merged = tuple({key.split("eval_conv.")[0] for key, _ in network.named_parameters() if "eval_conv." in key})
    return sum(p.numel() for key, p in network.named_parameters() if "eval_conv." in key or not key.startswith(merged or "-"))


def multiply_adds(network: nn.Module, height: int = 720, width: int = 1280) -> float | None:
    """Multiply-adds of convolutions and matrix products for one image with an output of this size, in eval mode.

    Runs on shapes alone (torch's meta device), with the LR size rounded up to `multiple_of`.

    Returns:
        None if the network does not run on shapes alone.
    """
    scale, multiple = network.scale, network.multiple_of
    rows, columns = (-(-side // scale // multiple) * multiple for side in (height, width))
    counter = FlopCounterMode(display=False)
    try:
        shapes = copy.deepcopy(network).eval().to("meta")
        with torch.no_grad(), counter:
            lr = torch.empty(1, channels(network), rows, columns, device="meta")
            shapes(lr, **chosen(network, alone(lr, scale)))
    except (RuntimeError, NotImplementedError, ValueError):  # InputError: it needs to know more than the image
        return None
    return counter.get_total_flops() / 2
