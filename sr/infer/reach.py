"""Measures a network's receptive field, from which follows which tiles equal the whole image."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sr.infer.tiles import pad_to_multiple
from sr.infer.upscaler import channels
from sr.network.inputs import alone, chosen

STRIPS = (128, 1024)  # lengths in LR pixels; the second one is used if the first is too short
HEIGHT = 16


@torch.inference_mode()
def reach(network: nn.Module, further: Mapping[str, Any] | None = None) -> int | None:
    """The horizontal radius of the receptive field, measured with one column of a long strip, in LR pixels.

    The column is NaN, and so is everything computed from it, however small the weights. None: the radius exceeds 1024 pixels
    (global pooling, attention), or the network does not accept such strips. `further` are other arguments of `forward`.
    """
    parameter = next(network.parameters(), torch.empty(0))
    for length in STRIPS:
        lr = pad_to_multiple(_strip(length, channels(network)).to(parameter.device, parameter.dtype), network.multiple_of)
        middle = lr.shape[-1] // 2  # the first column of a window, where the radius is largest
        lr[..., middle] = torch.nan
        others = chosen(network, {**alone(lr, network.scale), **(further or {})})
        try:
            columns = network(lr, **others).isnan().any(dim=(0, 1, 2)).nonzero()[:, 0] // network.scale
        except (RuntimeError, MemoryError):
            return None
        distance = int((columns - middle).abs().max()) if len(columns) else 0
        if distance < middle - 1:
            return distance
    return None


def _strip(length: int, bands: int) -> Tensor:
    """(1, bands, 16, length) with all grey levels."""
    return torch.linspace(0, 1, bands * HEIGHT * length).view(1, HEIGHT, length, bands).permute(0, 3, 1, 2).clone()
