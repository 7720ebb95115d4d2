"""Is the detail of SR true? Each pixel's share of improvement, omission and hallucination.

Aybar, Montero, Contreras, Donike, Kalaitzis, Gómez-Chova: A Comprehensive Benchmark for Optical Remote Sensing Image
Super-Resolution, IEEE GRSL 2024 (doi:10.1109/LGRS.2024.3401394), section II-D; with the constants of their package opensr-test
(github.com/ESAOpenSR/opensr-test, MIT). Their harmonisation of SR with HR (histogram matching and a shift) is left out: it
removes differences between two sensors, and here LR and HR are of one.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError
from sr.metric.base import Metric

PARTS = ("improvement", "omission", "hallucination")  # the order of the bands of `maps`
DECAY, TEMPERATURE = 0.05, 0.25  # im_score, om_score and ha_score; correctness_temperature
QUANTILE = 0.75  # "auto75": pixels below this quantile of the distance of LR and HR are not judged


def maps(lr: Tensor, sr: Tensor, hr: Tensor, border: int = 0) -> Tensor:
    """The shares of `PARTS` in each pixel (N, 3, h, w), with the sum 1; NaN where LR, SR and HR are too similar to judge.

    Improvement: SR is near HR. Omission: SR is near LR, enlarged bilinearly. Hallucination: it is far from both.

    Args:
        lr: (N, C, h, w); sr, hr: (N, C, H, W), in [0, 1].
        border: pixels cut from each side of the result.
    """
    up = F.interpolate(lr, size=tuple(hr.shape[-2:]), mode="bilinear", align_corners=False, antialias=True)
    height, width = hr.shape[-2:]
    up, sr, hr = (image[..., border : height - border, border : width - border] for image in (up, sr, hr))
    reference, to_hr, to_lr = _distance(up, hr), _distance(sr, hr), _distance(sr, up)
    pixels = reference[0].numel()
    least = reference.flatten(1).kthvalue(max(int(QUANTILE * pixels), 1), dim=1).values[:, None, None]
    judged = (reference > least) | (to_hr > least) | (to_lr > least)
    improvement, omission = to_hr / reference, to_lr / reference
    beyond = 1 - torch.exp(-(improvement + omission - 1) * DECAY)
    far = (improvement + omission * beyond, omission + improvement * beyond, torch.exp(-improvement * omission * DECAY))
    shares = torch.softmax(-torch.stack(far, 1) / TEMPERATURE, 1)
    return torch.where(judged[:, None], shares, torch.nan)


def _distance(one: Tensor, other: Tensor) -> Tensor:
    """The fractional difference of two images (N, C, H, W), mean over the bands: (N, H, W)."""
    return ((one - other).abs() / (one + other + 1e-8).abs()).mean(1)


class Truthfulness(Metric):
    """The mean share of one of `PARTS`, over the pixels that are judged. A subclass says which.

    Args:
        crop_border, levels, luma: see Metric. opensr-test cuts 16 pixels.
    """

    part: str
    further = ("lr",)
    scores_hr, takes_mask = True, False

    def __init__(self, *, crop_border: float, levels: int | None = 255, luma: bool = True) -> None:
        super().__init__(crop_border=crop_border, channel="rgb", levels=levels, luma=luma)

    @torch.no_grad()
    def forward(self, sr: Tensor, hr: Tensor | None = None, lr: Tensor | None = None) -> Tensor:
        """(N,) shares for pictures sr and hr (N, C, H, W) and lr (N, C, h, w) in [0, 1]; NaN where no pixel can be judged.

        Raises:
            InputError: sr and hr differ in shape, or are clips.
        """
        self._check_reference(sr, hr)
        self.check_size(sr)
        if sr.ndim != 4 or lr is None:
            raise InputError(f"{type(self).__name__} needs lr, sr and hr of pictures (N, C, H, W), not {tuple(sr.shape)}")
        with torch.autocast(device_type=sr.device.type, enabled=False):
            shares = maps(*((self.levels(image) / 255).float() for image in (lr, sr, hr)), border=self.crop_border)
        return (
            shares[:, PARTS.index(self.part)]
            .flatten(1)
            .nanmean(1, dtype=torch.float32 if sr.device.type == "mps" else torch.float64)
        )


class Improvement(Truthfulness):
    """How much of the detail that LR lacks is right; higher is better."""

    part = "improvement"


class Omission(Truthfulness):
    """How much of it is missing still; lower is better."""

    part, higher_is_better = "omission", False


class Hallucination(Truthfulness):
    """How much is invented; lower is better."""

    part, higher_is_better = "hallucination", False
