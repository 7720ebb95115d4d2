"""What runs on whole batches on the device: stored values to float, warps, degradation, augmentation."""

from typing import Any

import torch
from torch import Tensor, nn

from sr.augmentation.base import centre
from sr.augmentation.chain import Chain
from sr.image.kind import PHOTO, Kind


def finish(batch: dict[str, Any], degradation: nn.Module, augmentation: Chain, kind: Kind = PHOTO) -> dict[str, Tensor]:
    """The batch of a worker -> {"lr": (N, C, H, W), "hr": (N, C, sH, sW)}, float32 in [0, 1], channels last.

    Where the degradation sharpens HR, "hr" is that, and "real" is what a discriminator takes as real.

    The degradation sees HR before it is flipped, turned or mixed, and with its margin. So an LR patch is the (turned) crop
    of the whole image's LR, bit by bit.
    """
    lr, hr, parameters = _degraded(batch, degradation, augmentation, kind)
    partner, partner_parameters = None, None
    if "partner" in batch:
        *partner, partner_parameters = _degraded(batch["partner"], degradation, augmentation, kind)
    lr, hr = augmentation.apply(lr, hr, parameters, partner, partner_parameters)
    learned = degradation.targets(hr, batch["parameters"]) if "parameters" in batch else {"hr": hr}
    images = {"lr": lr} | learned
    return {name: image.contiguous(memory_format=torch.channels_last) for name, image in images.items()}


def _degraded(
    batch: dict[str, Any], degradation: nn.Module, augmentation: Chain, kind: Kind
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """LR and HR patches, warped, without margin; the augmentation's parameters on the device."""
    size, scale = batch["patch_size"], degradation.scale
    hr = kind.to_float(batch["hr"])
    parameters = _tensors(batch["augmentation"], hr.device)
    if "lr" in batch:
        lr = augmentation.warp(kind.to_float(batch["lr"]), size, 1, parameters)
        return lr, augmentation.warp(hr, size, scale, parameters), parameters
    hr = augmentation.warp(hr, size + 2 * batch["margin"], scale, parameters)
    lr = degradation(hr, batch["parameters"], size)
    return centre(lr, size), centre(hr, size * scale), parameters


def _tensors(parameters: dict[str, Any], device: torch.device) -> dict[str, Tensor]:
    return {name: torch.as_tensor(value, device=device) for name, value in parameters.items()}
