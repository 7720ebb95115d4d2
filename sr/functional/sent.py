"""Arrays of the host as tensors on a device, in one copy that does not synchronise a GPU."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

_ALIGNED = 8  # bytes: the widest numbers are float64 and int64


def sent(arrays: Sequence[Any], device: torch.device) -> list[Tensor]:
    """Arrays, numbers or tensors of the host -> tensors of the same shapes and types on the device.

    On the CPU they share the arrays' memory. To a GPU they cross together from pinned memory, while it computes. Those that
    are all there already are returned.
    """
    if all(isinstance(array, Tensor) and array.device == device for array in arrays):
        return list(arrays)
    if device.type == "cpu":
        return [torch.as_tensor(array) for array in arrays]
    buffer, places = packed([np.asarray(array) for array in arrays], pinned=device.type == "cuda")
    return unpacked(buffer.to(device, non_blocking=True), places)


def sent_by_name(arrays: Mapping[str, Any], device: torch.device) -> dict[str, Tensor]:
    """The same with names."""
    return dict(zip(arrays, sent(list(arrays.values()), device), strict=True))


def sent_together(groups: Sequence[Mapping[str, Any]], device: torch.device) -> list[dict[str, Tensor]]:
    """The same for several dicts, in one copy."""
    values = iter(sent([array for group in groups for array in group.values()], device))
    return [{name: next(values) for name in group} for group in groups]


def packed(arrays: Sequence[np.ndarray], pinned: bool = False) -> tuple[Tensor, list[tuple[int, torch.dtype, tuple[int, ...]]]]:
    """All arrays one after the other in a tensor of bytes, and the place, type and shape of each."""
    own = [torch.as_tensor(array) for array in arrays]
    places, end = [], 0
    for one in own:
        places.append((end, one.dtype, tuple(one.shape)))
        end += -(-one.nbytes // _ALIGNED) * _ALIGNED
    buffer = torch.empty(end, dtype=torch.uint8, pin_memory=pinned)
    for one, (start, *_) in zip(own, places, strict=True):
        buffer[start : start + one.nbytes].view(one.dtype).copy_(one.reshape(-1))
    return buffer, places


def unpacked(buffer: Tensor, places: Sequence[tuple[int, torch.dtype, tuple[int, ...]]]) -> list[Tensor]:
    """The tensors in a buffer, which share its memory."""
    made = []
    for start, dtype, shape in places:
        size = dtype.itemsize * math.prod(shape)
        made.append(buffer[start : start + size].view(dtype).view(shape))
    return made
