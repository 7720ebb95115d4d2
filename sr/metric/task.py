"""Metrics of a task: what a program that was never trained on super-resolution makes of SR, of bicubic, and of HR itself."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sr.errors import InputError
from sr.metric.base import Metric


class TaskMetric(Metric):
    """Scores pictures one by one, as arrays. A test also scores HR (`scores_hr`): no SR can be expected to do better.

    Keys of the batch that it needs besides the images are in `further` and are arguments of `forward`, one value per picture.
    """

    scores_hr, takes_mask = True, False
    channel_choices = ("gray", "rgb", "y")

    def each(self, sr: Tensor, one: Callable[..., float], *columns: Sequence[Any] | Tensor) -> Tensor:
        """(N,) scores of pictures (N, C, H, W): `one` receives each as (H, W) or (H, W, C) uint8 with its value of each column.

        InputError: clips, or a column of another length.
        """
        if sr.ndim != 4:
            raise InputError(f"{type(self).__name__} scores pictures (N, C, H, W), not {tuple(sr.shape)}: no clips, no volumes")
        if any(len(column) != len(sr) for column in columns):
            raise InputError(f"{type(self).__name__}: {len(sr)} pictures, but not as many values of {', '.join(self.further)}")
        arrays = [self.array(picture) for picture in self.prepare(sr)]
        scores = [one(*row) for row in zip(arrays, *columns, strict=True)]
        return torch.tensor(scores, dtype=torch.float32 if sr.device.type == "mps" else torch.float64, device=sr.device)

    @staticmethod
    def array(prepared: Tensor) -> np.ndarray:
        """(C, H, W) in 0..255 -> (H, W) for one band, otherwise (H, W, C), uint8."""
        pixels = (prepared + 0.5).floor().clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy()
        return np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
