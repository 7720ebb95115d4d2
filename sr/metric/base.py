"""The protocol of SR papers: preparation of images before scoring."""

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.color import has_luma, rgb_to_gray, rgb_to_y
from sr.functional.leading import mean_over_frames, pictures
from sr.functional.pixels import check_pixels
from sr.functional.ranges import levels_of


def scored(
    metric: nn.Module,
    sr: Tensor,
    hr: Tensor | None,
    *,
    lr: Tensor | None = None,
    mask: Tensor | None = None,
    batch: Mapping[str, Any] | None = None,
) -> Tensor:
    """One score per image by a metric, ours or another.

    Args:
        sr, hr: (N, C, H, W) in [0, 1]. A metric with `reference = False` receives only SR.
        lr: a metric with `against = "lr"` receives it in place of HR.
        mask: (N, 1, H, W) bool, False where HR has no data. Our metrics leave these pixels out; for others, and for those
            that look at whole images, SR has HR's values there.
        batch: the keys in a metric's `further` (a text, a person, LR) are passed by name.
    """
    keys = {key: batch[key] for key in further(metric)} if further(metric) else {}
    if not needs_reference(metric):
        return metric(sr, **keys)
    if getattr(metric, "against", "hr") == "lr":
        return metric(sr, lr)
    if mask is None:
        return metric(sr, hr, **keys)
    ours = isinstance(metric, Metric) and metric.takes_mask
    return metric(sr, hr, mask) if ours else metric(torch.where(mask, sr, hr), hr, **keys)


def further(metric: nn.Module) -> tuple[str, ...]:
    """Keys of the batch that a metric needs besides SR and HR; none by default."""
    return getattr(metric, "further", ())


def lacking(metrics: Mapping[str, nn.Module], images: Any) -> dict[str, list[str]]:
    """Metric -> the keys it needs that the images of a set do not have. Reads an image only if a metric needs keys."""
    if not any(map(further, metrics.values())) or not len(images):
        return {}
    known = images[0].keys()
    missing = {name: [key for key in further(metric) if key not in known] for name, metric in metrics.items()}
    return {name: keys for name, keys in missing.items() if keys}


def needs_reference(metric: nn.Module) -> bool:
    """Whether a metric compares SR with HR; true by default."""
    return getattr(metric, "reference", True)


def check_scores(scores: Mapping[str, float], image: str) -> None:
    """InputError where a metric has no score for an image, for example NIQE for a picture without structure."""
    if lacking := [name for name, score in scores.items() if math.isnan(score)]:
        raise InputError(f"{image}: {', '.join(lacking)} has no score: take the image out, or the metric out of metric=[...]")


class Metric(nn.Module):
    """One score per image or clip of a batch; a subclass implements ``score``. Has no state and no gradient.

    A metric with ``reference = False`` scores SR alone: ``metric(sr)``, ``score(sr)``.

    Images are rounded to ``levels`` (half up) and clipped, as if they had been saved; ``crop_border`` pixels are cut from
    each side; then Y (unrounded) or all bands are scored on the scale 0..255, in float64, for any levels: PSNR and SSIM are
    relative to the range, so scores of 16-bit images equal those computed on 0..65535. The score of a clip is the mean over
    its frames, as papers report Vid4 and REDS.

    Args:
        crop_border: pixels cut from each side, rounded up: the scale in SR papers, none in restoration papers.
        channel: "y", luma of studio-range BT.601 (`sr.functional.color.rgb_to_y`), or "rgb", all bands together. Images
            without luma (gray, or more bands than RGB) are scored on all bands in both cases. Metrics with other channels
            list them in ``channel_choices``: "gray" is MATLAB's full-range rgb2gray.
        levels: 255 for 8 bit, 65535 for 16; None: data without levels, which is neither rounded nor clipped.
        luma: whether three bands are RGB, which has luma.

    Raises:
        InputError: another channel, a negative crop_border, or levels below 1.
    """

    version: int = 1  # increased when a change affects scores: scores of two versions are not compared
    reference: bool = True  # whether SR is compared with HR
    higher_is_better: bool = True
    unit: str | None = None  # of the score, below tables
    further: tuple[str, ...] = ()  # keys of the batch that `forward` needs besides SR and HR
    scores_hr: bool = False  # whether a test scores HR too
    test_only: bool = False  # not measured on validation sets
    takes_mask: bool = True  # whether `forward` takes a mask
    channel_choices: tuple[str, ...] = ("y", "rgb")
    smallest: int = 1  # smallest height and width that ``score`` supports
    rgb_only: bool = False  # whether ``score`` needs three bands, like networks trained on photos; gray is repeated

    def __init__(
        self, *, crop_border: float, channel: Literal["y", "rgb", "gray"] = "y", levels: int | None = 255, luma: bool = True
    ):
        super().__init__()
        if channel not in self.channel_choices:
            raise InputError(f"unknown channel {channel!r}; choose {' or '.join(self.channel_choices)}")
        if crop_border < 0:
            raise InputError(f"crop_border must be 0 or more, not {crop_border}")
        self.crop_border = math.ceil(crop_border)
        self.channel, self.top, self.luma = channel, levels_of(levels), luma

    @torch.no_grad()
    def forward(self, sr: Tensor, hr: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Score (N, C, H, W), or clips (N, T, C, H, W), in [0, 1]; returns (N,), float64 (float32 on devices without it).

        A metric without a reference ignores hr and mask, (N, 1, H, W) bool, False where HR has no data.

        Raises:
            InputError: sr and hr differ in shape, hr is missing or not in [0, 1], too little remains after cutting the
                border, or the metric needs RGB.
        """
        if self.reference:
            self._check_reference(sr, hr)
        images = (sr,) if not self.reference else (sr, hr) if mask is None else (sr, hr, mask)
        self.check_size(sr)
        if self.rgb_only and sr.shape[-3] not in (1, 3):
            raise InputError(f"{type(self).__name__} needs RGB, not {sr.shape[-3]} bands: remove it from metric=[...]")
        # At most as many frames at once as the batch has images: float64 copies of a whole clip might not fit.
        parts = zip(*(pictures(image).split(len(sr)) for image in images), strict=True)
        with torch.autocast(device_type=sr.device.type, enabled=False):
            scores = torch.cat([self.compute(*part) for part in parts])
        return mean_over_frames(scores, sr)

    def check_size(self, sr: Tensor) -> None:
        """InputError: too little of (..., H, W) remains after cutting the border."""
        height, width = (size - 2 * self.crop_border for size in sr.shape[-2:])
        if min(height, width) < self.smallest:
            raise InputError(
                f"{type(self).__name__} needs {self.smallest}x{self.smallest} pixels, but {sr.shape[-2]}x{sr.shape[-1]}"
                f" less a border of {self.crop_border} leaves {height}x{width}"
            )

    def _check_reference(self, sr: Tensor, hr: Tensor | None) -> None:
        if hr is None:
            raise InputError(f"{type(self).__name__} compares SR with HR, but there is no HR")
        if sr.shape != hr.shape:
            raise InputError(f"sr is {tuple(sr.shape)} and hr is {tuple(hr.shape)}: a metric needs equal shapes")
        check_pixels(hr, "hr")  # not sr: an untrained network may return anything

    def compute(self, *images: Tensor) -> Tensor:
        """(N,) scores of batches of pictures (N, C, H, W): SR alone, SR and HR, or SR, HR and a mask (N, 1, H, W)."""
        if len(images) == 3:
            sr, hr, mask = images
            images = (torch.where(mask, sr, hr), hr)
        return self.score(*map(self.prepare, images))

    def prepare(self, image: Tensor) -> Tensor:
        """(N, C, H, W) in [0, 1] -> (N, 1 or C, h, w) in 0..255: quantised, cropped, in the metric's channel."""
        return self.levels(self.cropped(image))

    def cropped(self, image: Tensor) -> Tensor:
        """The image without its border."""
        border, (height, width) = self.crop_border, image.shape[-2:]
        return image[..., border : height - border, border : width - border]

    def levels(self, image: Tensor) -> Tensor:
        """(N, C, H, W) in [0, 1] -> (N, 1 or C, H, W) in 0..255: quantised, in the metric's channel."""
        image = image.to(torch.float32 if image.device.type == "mps" else torch.float64)
        image = (image * self.top + 0.5).floor().clamp(0, self.top) * (255 / self.top) if self.top else image * 255
        if self.channel != "rgb" and self.luma and has_luma(image.shape[1]):
            return rgb_to_y(image / 255) * 255 if self.channel == "y" else rgb_to_gray(image)
        return image.expand(-1, 3, -1, -1) if self.rgb_only and image.shape[1] == 1 else image

    def learned(self) -> dict[str, Tensor]:
        """The learned values on which the score depends, by name; networks are in the tuple ``networks``."""
        parts = enumerate(getattr(self, "networks", ()))
        return {f"{i}.{name}": value for i, network in parts for name, value in network.state_dict().items()}

    def score(self, *images: Tensor) -> Tensor:
        """(N,) scores of prepared batches: of SR and HR, or of SR alone."""
        raise NotImplementedError
