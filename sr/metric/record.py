"""How scores were measured: version, weights, border and seed of each metric, so that only equal metrics are compared."""

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


def records(metrics: Mapping[str, nn.Module]) -> dict[str, dict[str, Any]]:
    """The `record` of each metric by name."""
    return {name: record(metric) for name, metric in metrics.items()}


def record(metric: nn.Module) -> dict[str, Any]:
    """What a metric's score depends on besides the images; plain values, None if not applicable.

    class: where it is defined. version: of our code. library: package and version that compute it, if these matter. weights:
    sha256 of all learned values. crop_border, channel, luma, levels, seed: its options; without luma the channel says nothing,
    for all bands are measured. unit of the score. higher_is_better.
    """
    learned = getattr(metric, "learned", metric.state_dict)()
    return {
        "class": f"{type(metric).__module__}.{type(metric).__qualname__}",
        "version": getattr(metric, "version", None),
        "library": getattr(metric, "library", None),
        "weights": sha256(learned) if learned else None,
        "crop_border": getattr(metric, "crop_border", None),
        "channel": getattr(metric, "channel", None),
        "luma": getattr(metric, "luma", None),
        "levels": getattr(metric, "top", None),
        "seed": getattr(metric, "seed", None),
        "unit": getattr(metric, "unit", None),
        "higher_is_better": bool(getattr(metric, "higher_is_better", True)),
    }


def sha256(tensors: Mapping[str, Tensor]) -> str:
    """Hash of names, shapes, types and values of tensors, in the order of their names."""
    found = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        tensor = tensor.detach().cpu().contiguous()
        found.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy() if tensor.numel() else b"")
    return found.hexdigest()


def repeated(metrics: Mapping[str, nn.Module]) -> dict[str, str]:
    """Metric -> the earlier one whose scores it would repeat: without luma, "y" and "rgb" both measure all bands."""
    known = {name: {**record(one), "channel": None} for name, one in metrics.items() if getattr(one, "luma", None) is False}
    firsts = {name: next(other for other in known if known[other] == one) for name, one in known.items()}
    return {name: first for name, first in firsts.items() if first != name}


def different(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What of two records is not the same, of what both have."""
    return sorted(key for key in one.keys() & other.keys() if one[key] != other[key])
