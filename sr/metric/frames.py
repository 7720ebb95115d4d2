"""Scores of clips: metrics of pictures frame by frame, metrics of clips as a whole."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from sr.metric.base import scored


def of_clips(metric: nn.Module) -> bool:
    """Whether a metric scores clips (N, T, C, H, W) as a whole; without the attribute it scores pictures."""
    return getattr(metric, "clips", False)


def one_score(metric: nn.Module, sr: Tensor, hr: Tensor | None, **given: Any) -> list[float]:
    """The score of an image, as a list."""
    return [scored(metric, sr, hr, **given).item()]


def each_score(metric: nn.Module, sr: Tensor, hr: Tensor | None, lr: Tensor, **given: Any) -> list[float]:
    """The scores of each frame of a clip (1, T, C, H, W), one frame at a time; of a metric of clips the only one."""
    if of_clips(metric):
        return [scored(metric, sr, hr, lr=lr, **given).item()]
    pairs = zip(sr.unbind(1), lr.unbind(1), [None] * sr.shape[1] if hr is None else hr.unbind(1), strict=True)
    return [scored(metric, one, target, lr=low, **given).item() for one, low, target in pairs]


def means(scores: Mapping[str, list[float]]) -> dict[str, float]:
    """The mean of each metric over the frames."""
    return {name: sum(each) / len(each) for name, each in scores.items()}


def middle_frame(clip: Tensor | None) -> Tensor | None:
    """(N, T, C, H, W) -> (N, 1, C, H, W)."""
    return clip if clip is None else clip[:, clip.shape[1] // 2][:, None]
