"""The protocol of SR papers: what is done to two images before they are compared."""

from typing import Literal

import torch
from torch import Tensor, nn

from sr.color import rgb_to_y
from sr.errors import InputError


class Metric(nn.Module):
    """One score for each image of a batch; a subclass writes ``score``. Keeps no state and has no gradient.

    Both images are rounded to the uint8 grid (half up) and clipped, as if they had been saved; ``crop_border`` pixels
    are cut from each side; then Y (unrounded) or RGB is scored on the scale 0..255, in float64.

    Args:
        crop_border: pixels cut from each side; SR papers cut as many as the scale.
        channel: "y", luma of studio-range BT.601 (`sr.color.rgb_to_y`), or "rgb".

    Raises:
        ValueError: another channel, or a negative crop_border.
    """

    higher_is_better: bool = True
    smallest: int = 1  # least height and width that ``score`` can work on

    def __init__(self, *, crop_border: int, channel: Literal["y", "rgb"] = "y"):
        super().__init__()
        if channel not in ("y", "rgb"):
            raise InputError(f"unknown channel {channel!r}; choose y or rgb")
        if crop_border < 0:
            raise InputError(f"crop_border must be 0 or more, not {crop_border}")
        self.crop_border = crop_border
        self.channel = channel

    @torch.no_grad()
    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        """Score (N, 3, H, W) RGB in [0, 1]; returns (N,), float64 (float32 on a device that has no float64).

        Raises:
            ValueError: sr and hr differ in shape, or too little is left of them when the border is cut.
        """
        if sr.shape != hr.shape:
            raise InputError(f"sr is {tuple(sr.shape)} and hr is {tuple(hr.shape)}: a metric needs the same shape")
        height, width = (size - 2 * self.crop_border for size in sr.shape[-2:])
        if min(height, width) < self.smallest:
            raise InputError(
                f"{type(self).__name__} needs {self.smallest}x{self.smallest} pixels, but {sr.shape[-2]}x{sr.shape[-1]}"
                f" less a border of {self.crop_border} leaves {height}x{width}"
            )
        with torch.autocast(device_type=sr.device.type, enabled=False):
            return self.compute(sr, hr)

    def compute(self, sr: Tensor, hr: Tensor) -> Tensor:
        """(N,) scores of two batches as `forward` takes them."""
        return self.score(self.prepare(sr), self.prepare(hr))

    def prepare(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 1 or 3, h, w) in 0..255: quantised, cropped, in the metric's channel."""
        return self.levels(self.cropped(image))

    def cropped(self, image: Tensor) -> Tensor:
        """Without the border."""
        border, (height, width) = self.crop_border, image.shape[-2:]
        return image[..., border : height - border, border : width - border]

    def levels(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 1 or 3, H, W) in 0..255: quantised, in the metric's channel."""
        image = image.to(torch.float32 if image.device.type == "mps" else torch.float64)
        image = (image * 255 + 0.5).floor().clamp(0, 255)
        return rgb_to_y(image / 255) * 255 if self.channel == "y" else image

    def score(self, sr: Tensor, hr: Tensor) -> Tensor:
        """(N,) scores of two prepared batches."""
        raise NotImplementedError
