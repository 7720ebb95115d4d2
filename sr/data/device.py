"""What runs on whole batches on the device: uint8 to float, degradation, flips and quarter turns."""

from typing import Any

import torch
from torch import Tensor, nn


def finish(batch: dict[str, Any], degradation: nn.Module, margin: int) -> dict[str, Tensor]:
    """The batch of a worker -> {"lr": (N, 3, H, W), "hr": (N, 3, sH, sW)}, float32 RGB in [0, 1], channels last.

    The degradation sees the HR patch upright and with its margin; LR and HR are turned afterwards, so that an LR patch is
    the (turned) crop of the whole image's LR, bit by bit.
    """
    hr = to_float(batch["hr"])
    if "lr" in batch:
        lr = to_float(batch["lr"])
    else:
        lr = degradation(hr, batch["parameters"])
        if margin:
            m = margin // degradation.scale
            lr, hr = lr[..., m:-m, m:-m], hr[..., margin:-margin, margin:-margin]
    return {"lr": turned(lr, batch["turn"]), "hr": turned(hr, batch["turn"])}


def to_float(pixels: Tensor) -> Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) float32 in [0, 1]."""
    return pixels.permute(0, 3, 1, 2).float().div_(255)


def turned(image: Tensor, turn: Tensor) -> Tensor:
    """Flip left-right, flip up-down and transpose each square image where its `turn` (N, 3) says so: all eight turns."""
    left_right, up_down, transpose = turn.reshape(-1, 3, 1, 1, 1).unbind(1)
    image = torch.where(left_right, image.flip(-1), image)
    image = torch.where(up_down, image.flip(-2), image)
    image = torch.where(transpose, image.transpose(-1, -2), image)
    return image.contiguous(memory_format=torch.channels_last)
