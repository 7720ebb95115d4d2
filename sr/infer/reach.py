"""How far a network looks: which tiles give what the whole image gives."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sr.infer.tiles import pad_to_multiple
from sr.infer.upscaler import channels
from sr.network.inputs import alone, chosen

STRIPS = (128, 1024)  # LR pixels: lengths on which it is measured, the second where the first is too short
HEIGHT = 16


@torch.inference_mode()
def reach(network: nn.Module, further: Mapping[str, Any] | None = None) -> int | None:
    """How far one column of a long strip is felt to its sides, in LR pixels.

    The column is NaN, and so is all that is computed from it, however small the weights. None: it is felt up to the end of
    1024 pixels (global pooling, attention), or the network takes no such strip. `further` is what else `forward` takes.
    """
    parameter = next(network.parameters(), torch.empty(0))
    for length in STRIPS:
        lr = pad_to_multiple(_strip(length, channels(network)).to(parameter.device, parameter.dtype), network.multiple_of)
        middle = lr.shape[-1] // 2  # the first column of a window: felt farthest
        lr[..., middle] = torch.nan
        try:
            columns = (
                network(lr, **chosen(network, {**alone(lr, network.scale), **(further or {})}))
                .isnan()
                .any(dim=(0, 1, 2))
                .nonzero()[:, 0]
                // network.scale
            )
        except (RuntimeError, MemoryError):
            return None
        distance = int((columns - middle).abs().max()) if len(columns) else 0
        if distance < middle - 1:
            return distance
    return None


def _strip(length: int, bands: int) -> Tensor:
    """(1, bands, 16, length) of all grey levels."""
    return torch.linspace(0, 1, bands * HEIGHT * length).view(1, HEIGHT, length, bands).permute(0, 3, 1, 2).clone()
