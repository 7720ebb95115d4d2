"""Metrics of volumes (N, C, D, H, W): the whole volume is one image, not a stack of slices."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from sr.errors import InputError
from sr.functional.axes import check_volume, text
from sr.functional.pixels import check_pixels


class VolumeMetric(nn.Module):
    """One score per volume; a subclass implements `score`. Has no state and no gradient.

    Volumes are rounded to `levels` and clipped, as if they had been saved, and `crop_border` voxels are cut from each side;
    then all bands are scored on the scale 0..1, in float64.

    Args:
        crop_border: voxels cut from each side; 0, as medical papers measure whole volumes.
        levels: 255 for 8 bit; None: data without levels, which is neither rounded nor clipped.

    Raises:
        InputError: a negative crop_border.
    """

    version: int = 1
    reference: bool = True
    higher_is_better: bool = True
    volumes: ClassVar[bool] = True  # metrics of pictures do not have it
    smallest: int = 1  # shortest side that `score` supports
    channel = None

    def __init__(self, *, crop_border: int = 0, levels: int | None = None) -> None:
        super().__init__()
        if crop_border < 0:
            raise InputError(f"crop_border must be 0 or more, not {crop_border}")
        self.crop_border, self.top = crop_border, levels

    @torch.no_grad()
    def forward(self, sr: Tensor, hr: Tensor | None = None) -> Tensor:
        """Score (N, C, D, H, W) in [0, 1]; returns (N,) float64.

        Raises:
            InputError: not volumes of one shape, hr is missing or not in [0, 1], or too little remains inside the border.
        """
        name = type(self).__name__
        if hr is None:
            raise InputError(f"{name} compares SR with HR, but there is no HR")
        check_volume(sr, "sr")
        if sr.shape != hr.shape:
            raise InputError(f"sr is {tuple(sr.shape)} and hr is {tuple(hr.shape)}: a metric needs equal shapes")
        check_pixels(hr, "hr")
        inside = [size - 2 * self.crop_border for size in sr.shape[2:]]
        if min(inside) < self.smallest:
            raise InputError(
                f"{name} needs {self.smallest} voxels along each side, but {text(sr.shape[2:])} less a border of "
                f"{self.crop_border} leaves {text(inside)}"
            )
        with torch.autocast(device_type=sr.device.type, enabled=False):
            return torch.stack([self.score(*pair) for pair in zip(self.inside(sr), self.inside(hr), strict=True)])

    def inside(self, volume: Tensor) -> Tensor:
        """Without the border."""
        b = self.crop_border
        return volume[..., b : volume.shape[-3] - b, b : volume.shape[-2] - b, b : volume.shape[-1] - b]

    def prepared(self, volume: Tensor) -> Tensor:
        """float64, rounded to the levels."""
        volume = volume.to(torch.float32 if volume.device.type == "mps" else torch.float64)
        return (volume * self.top + 0.5).floor().clamp(0, self.top) / self.top if self.top else volume

    def score(self, sr: Tensor, hr: Tensor) -> Tensor:
        """The score () of two volumes (C, D, H, W), to be `prepared`."""
        raise NotImplementedError
