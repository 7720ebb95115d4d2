"""Scores of clips: metrics of pictures frame by frame, metrics of clips as a whole."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sr.metric.base import scored


def of_clips(metric: nn.Module) -> bool:
    """Whether a metric scores clips (N, T, C, H, W) as a whole; without the attribute it scores pictures."""
    return getattr(metric, "clips", False)


def one_score(metric: nn.Module, sr: Tensor, hr: Tensor | None, **given: Any) -> Tensor:
    """The score (1,) of an image."""
    return scored(metric, sr, hr, **given).reshape(1)


def each_score(metric: nn.Module, sr: Tensor, hr: Tensor | None, lr: Tensor, **given: Any) -> Tensor:
    """The scores (T,) of the frames of a clip (1, T, C, H, W), one frame at a time; of a metric of clips the only one."""
    if of_clips(metric):
        return one_score(metric, sr, hr, lr=lr, **given)
    pairs = zip(sr.unbind(1), lr.unbind(1), [None] * sr.shape[1] if hr is None else hr.unbind(1), strict=True)
    return torch.cat([one_score(metric, one, target, lr=low, **given) for one, low, target in pairs])


def numbers(scores: Mapping[str, Tensor]) -> dict[str, list[float]]:
    """Scores (T,) by name as numbers; those of one device and type are read together, which synchronises it once."""
    kinds: dict[tuple[torch.device, torch.dtype], list[str]] = {}
    for name, each in scores.items():
        kinds.setdefault((each.device, each.dtype), []).append(name)
    read = {}
    for names in kinds.values():
        each = torch.cat([scores[name] for name in names]).cpu().split([len(scores[name]) for name in names])
        read |= {name: one.tolist() for name, one in zip(names, each, strict=True)}
    return {name: read[name] for name in scores}


def means(scores: Mapping[str, list[float]]) -> dict[str, float]:
    """The mean of each metric over the frames."""
    return {name: sum(each) / len(each) for name, each in scores.items()}


def middle_frame(clip: Tensor | None) -> Tensor | None:
    """(N, T, C, H, W) -> (N, 1, C, H, W)."""
    return clip if clip is None else clip[:, clip.shape[1] // 2][:, None]
