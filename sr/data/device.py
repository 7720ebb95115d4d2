"""Processing of whole batches on the device: stored values to float, warps, degradation, augmentation."""

from collections.abc import Collection
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sr.augmentation.base import centre
from sr.augmentation.chain import Chain
from sr.functional.sent import sent_together
from sr.image.kind import PHOTO, Kind


def finish(
    batch: dict[str, Any], degradation: nn.Module, augmentation: Chain, kind: Kind = PHOTO, wanted: Collection[str] = ()
) -> dict[str, Any]:
    """A worker's batch -> {"lr": (N, C, H, W), "hr": (N, C, sH, sW)}, float32 in [0, 1], channels last, and further keys.

    Clips (N, T, C, H, W) as well; of a degradation that makes bursts "lr" (N, T, C, H, W). They are not channels last.

    The further keys are `scale` (N,), `mask` (N, 1, sH, sW) bool if some HR images have pixels without data, False there, keys
    of the sources (`sr.data.further`), and the `wanted` ones of the degradation.
    Flips and rotations also move those of shape (N, C, H, W); other augmentations refuse unknown keys.

    If the degradation sharpens HR, "hr" is the sharpened image, and "real" is the real image for a discriminator.

    The degradation sees HR before flips, rotations and mixing, and with its margin. So an LR patch is the (rotated) crop of
    the whole image's LR, bit for bit.
    """
    batch = _sent(batch, degradation, bool(wanted))
    parameters = batch["augmentation"]
    lr, hr = _degraded(batch, degradation, augmentation, kind)
    partner, partner_parameters = None, None
    if "partner" in batch:
        partner = _degraded(batch["partner"], degradation, augmentation, kind)
        partner_parameters = batch["partner"]["augmentation"]
    lr, hr = augmentation.apply(lr, hr, parameters, partner, partner_parameters)
    learned = degradation.targets(hr, batch["parameters"]) if "parameters" in batch else {"hr": hr}
    keys = {"scale": hr.new_full((len(hr),), degradation.scale)}
    if "mask" in batch:
        keys |= augmentation.follow({"mask": _mask(batch, degradation.scale, augmentation)}, parameters)
    keys |= augmentation.follow(batch["further"], parameters)
    if wanted and "parameters" in batch:
        told = degradation.told(batch["sent"], hr.device)
        keys |= augmentation.follow({k: v for k, v in told.items() if k in wanted and k not in keys}, parameters, warped=True)
    images = {"lr": lr} | learned
    layout = torch.channels_last if lr.ndim == 4 else torch.contiguous_format
    return keys | {name: image.contiguous(memory_format=layout) for name, image in images.items()}


def _sent(batch: dict[str, Any], degradation: nn.Module, told: bool) -> dict[str, Any]:
    """The batch, in which all that the device reads besides images has crossed to it in one copy: parameters of the
    augmentation, further keys, and "sent", parameters of the degradation."""
    parts = [batch, batch["partner"]] if "partner" in batch else [batch]
    further, texts = divided(batch.get("further", {}))
    read = [degradation.on_device(part["parameters"], told) if "parameters" in part else {} for part in parts]
    crossed = sent_together([further, *(part["augmentation"] for part in parts), *read], batch["hr"].device)
    drawn, read = crossed[1 : 1 + len(parts)], crossed[1 + len(parts) :]
    whole, *partner = (part | {"augmentation": one, "sent": two} for part, one, two in zip(parts, drawn, read, strict=True))
    return whole | {"further": texts | crossed[0]} | ({"partner": partner[0]} if partner else {})


def _degraded(batch: dict[str, Any], degradation: nn.Module, augmentation: Chain, kind: Kind) -> tuple[Tensor, Tensor]:
    """LR and HR patches, warped, without margin."""
    size, scale, parameters = batch["patch_size"], degradation.scale, batch["augmentation"]
    hr = kind.to_float(batch["hr"])
    if "lr" in batch:
        lr = augmentation.warp(kind.to_float(batch["lr"]), size, 1, parameters)
        return lr, augmentation.warp(hr, size, scale, parameters)
    hr = augmentation.warp(hr, size + 2 * batch["margin"], scale, parameters)
    lr = degradation(hr, batch["parameters"], size, batch["sent"])
    return centre(lr, size), centre(hr, size * scale)


def _mask(batch: dict[str, Any], scale: int, augmentation: Chain) -> Tensor:
    """(N, 1, sH, sW) bool: where HR patches, warped, without margin, have data. Warped pixels need it in all they mix."""
    size, margin = batch["patch_size"], 0 if "lr" in batch else batch["margin"]
    mask = batch["mask"].permute(0, 3, 1, 2).float()
    mask = augmentation.warp(mask, size + 2 * margin, scale, batch["augmentation"])
    return centre(mask, size * scale) > 1 - 1e-3


def divided(further: dict[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays, and what is none, such as texts."""
    arrays = {key: value for key, value in further.items() if isinstance(value, np.ndarray)}
    return arrays, {key: value for key, value in further.items() if key not in arrays}
