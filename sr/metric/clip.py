"""Metrics of clips (N, T, C, H, W): how steady they are over time. The clip is one image, not a stack of frames."""

import weakref
from typing import Any, ClassVar

import torch
from torch import Tensor

from sr.errors import InputError
from sr.functional.color import rgb_to_y
from sr.functional.flow import LEAST, check_method, flows
from sr.metric.base import Metric

_KNOWN: dict[tuple[str, bool, int], tuple[Any, Tensor]] = {}  # flows of the last HR, which all rows of a table need


class ClipMetric(Metric):
    """One score per clip, lower is better; a subclass implements `score`. Frames are quantised and cropped as in Metric.

    Optical flow is slow, so these are not measured on validation sets.

    Args:
        crop_border, levels: see Metric.
    """

    clips: ClassVar[bool] = True  # metrics of pictures do not have it
    higher_is_better = False
    test_only = True
    takes_mask = False

    def __init__(self, *, crop_border: float = 0, levels: int | None = 255) -> None:
        super().__init__(crop_border=crop_border, channel="rgb", levels=levels)

    @torch.no_grad()
    def forward(self, sr: Tensor, hr: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Score (N, T, C, H, W) in [0, 1]; returns (N,). InputError: one frame, or as of Metric."""
        self._check_reference(sr, hr)
        if sr.ndim != 5 or sr.shape[1] < 2:
            raise InputError(f"{type(self).__name__} needs clips of at least 2 frames: remove it from metric=[...]")
        self.check_size(sr)
        with torch.autocast(device_type=sr.device.type, enabled=False):
            pairs = zip(sr, hr, strict=True)
            return torch.stack([self.score(self.prepare(one), self.prepare(true)) for one, true in pairs])


class FlowMetric(ClipMetric):
    """A metric that needs the optical flow of frames in a row.

    Args:
        crop_border, levels: see Metric.
        flow: "ilk", iterative Lucas-Kanade, or "tvl1", which is slower, see `sr.functional.flow`. Scores of two flows cannot be
            compared.
    """

    smallest = LEAST

    def __init__(self, *, crop_border: float = 0, levels: int | None = 255, flow: str = "ilk") -> None:
        super().__init__(crop_border=crop_border, levels=levels)
        check_method(flow)
        self.flow, self.library = flow, f"flow {flow}"

    def forward(self, sr: Tensor, hr: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        self._hr = None if hr is None else weakref.ref(hr)
        return super().forward(sr, hr, mask)

    def of_hr(self, hr: Tensor, backwards: bool = False) -> Tensor:
        """The flow of prepared HR frames; kept for the next score against the same HR."""
        key = (self.flow, backwards, self.crop_border)
        known = _KNOWN.get(key)
        if known is None or known[0]() is not self._hr() or len(self._hr()) > 1:
            known = _KNOWN[key] = self._hr, self.of(hr, backwards)
        return known[1]

    def of(self, frames: Tensor, backwards: bool = False) -> Tensor:
        """(T, C, H, W) in 0..255 -> (T - 1, 2, H, W), see `sr.functional.flow.flows`."""
        gray = rgb_to_y(frames / 255)[:, 0] if frames.shape[1] == 3 else frames.mean(1) / 255
        return flows(gray, self.flow, backwards)
