"""Radiometric consistency: does SR keep the mean of each band of LR?"""

import torch
from torch import Tensor

from sr.errors import InputError
from sr.metric.base import Metric


class Consistency(Metric):
    """The largest deviation of a band's mean in SR from that in LR, in percent of LR's; lower is better, 0 is best.

    The mean of SR is that of SR pooled to LR's pixels. A network that learned from reflectance should stay below 0.5.

    Args:
        levels: see Metric.
    """

    higher_is_better = False
    unit = "% of LR's mean, worst band"
    against = "lr"

    def __init__(self, *, levels: int | None = 255) -> None:
        super().__init__(crop_border=0, channel="rgb", levels=levels, luma=False)

    def forward(self, sr: Tensor, hr: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Score SR (N, C, sH, sW) against LR (N, C, H, W), given in place of HR."""
        if hr is None or hr.shape[:2] != sr.shape[:2]:
            raise InputError("Consistency compares SR with LR of as many bands")
        with torch.autocast(device_type=sr.device.type, enabled=False):
            ours, theirs = (self.levels(image).mean(dim=(-2, -1)) for image in (sr, hr))
            return 100 * ((ours - theirs).abs() / theirs).amax(dim=1)
