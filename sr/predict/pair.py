"""One input of a comparison page: LR and HR of a file, and how pictures of its kind are shown and scored."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image import file as image
from sr.image import rasters
from sr.image.bleed import bled
from sr.image.file import to_pixels, to_tensor
from sr.image.kind import Kind
from sr.metric.base import scored
from sr.metric.psnr import PSNR
from sr.metric.ssim import SSIM
from sr.view.page import Scores
from sr.view.panel import seen, shown

_LUMA = {"PSNR Y": (PSNR, "y"), "SSIM Y": (SSIM, "y"), "PSNR RGB": (PSNR, "rgb"), "SSIM RGB": (SSIM, "rgb")}


@dataclass
class Pair:
    """LR, and HR if it is known, as float images with `kind.bands` bands.

    Args:
        lr: (1, C, h, w) in [0, 1].
        scale: any number from 1 up.
        hr: (1, C, round(scale * h), round(scale * w)), quantised, or None.
        gray: whether the file has one band, which networks for RGB get three times.
        valid: (1, 1, H, W) bool, False where HR (without HR: LR) has no data; None: it has everywhere.
    """

    kind: Kind
    scale: float
    lr: Tensor
    hr: Tensor | None = None
    gray: bool = False
    valid: Tensor | None = None

    @classmethod
    def read(cls, file: Path, hr_file: Path | None, degrade: bool, scale: float, kind: Kind) -> "Pair":
        """LR of `file`, HR of `hr_file`; with `degrade` HR of `file`, and LR made from it by MATLAB's imresize.

        Raises:
            InputError: a file cannot be read, does not fit the kind, or is smaller than the scale.
        """
        lr, gray, valid = _read(file, kind, alpha=not degrade)
        if not degrade and hr_file is None:
            return cls(kind, scale, lr, None, gray, valid)
        hr, _, valid = (lr, gray, valid) if degrade else _read(hr_file, kind)
        small = tuple(int(n / scale + 1e-9) for n in hr.shape[-2:])  # 1e-9: 30 / 1.2 is 25
        height, width = (round(n * scale) for n in small)
        if not (height and width):
            raise InputError(f"{file} is smaller than the scale {scale}: LR would be empty")
        hr, valid = hr[..., :height, :width], None if valid is None else valid[..., :height, :width]
        if degrade:
            lr = imresize(hr, size=small, rounding=kind.levels)
        return cls(kind, scale, lr, hr, gray, valid)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a result."""
        return tuple(round(side * self.scale) for side in self.lr.shape[-2:])

    @property
    def bicubic(self) -> Tensor:
        """LR enlarged by MATLAB's imresize."""
        return imresize(self.lr, size=self.size, rounding=self.kind.levels)

    def result(self, sr: Tensor) -> Tensor:
        """What a network returns, (1, 1 or C, H, W), as C bands; of a gray file it is gray."""
        return (sr.mean(1, keepdim=True) if self.gray else sr).expand(-1, self.lr.shape[1], -1, -1)

    def picture(self, one: Tensor) -> np.ndarray:
        """(H, W, 3) uint8 as the kind is shown: its bands and window; black where there are no data."""
        pixels = to_pixels(shown(one, self.kind.shown, self.kind.contrast))
        if self.valid is not None:
            pixels[~F.interpolate(self.valid.float(), size=one.shape[-2:], mode="nearest-exact")[0, 0].bool().numpy()] = 0
        return pixels

    def scores(self, sr: Tensor) -> Scores:
        """PSNR and SSIM of (1, C, sH, sW), or of LR, enlarged by nearest neighbour, against HR; {} without HR.

        By the papers' protocol: `scale` pixels of border are cut, none at scale 1; on Y and RGB, of a kind without luma on its
        bands and range. None: the image is smaller than the metric needs.
        """
        if self.hr is None:
            return {}
        sr = sr if sr.shape[-2:] == self.hr.shape[-2:] else F.interpolate(sr, size=self.size)
        found, known = {}, {"levels": self.kind.levels, "luma": self.kind.luma, "crop_border": border(self.scale)}
        for name, (metric, channel) in metrics(self.kind).items():
            try:
                found[name] = scored(metric(channel=channel, **known), sr, self.hr, mask=self.valid).item()
            except InputError:
                found[name] = None
        return found


def border(scale: float) -> int:
    """Pixels that scores leave out at each side."""
    return math.ceil(scale) if scale > 1 else 0


def metrics(kind: Kind) -> dict[str, tuple[type, str]]:
    """Name on the page -> class and channel: of Y and RGB, or of all bands."""
    return _LUMA if kind.luma else {f"{one.__name__} ({kind.measured})": (one, "rgb") for one in (PSNR, SSIM)}


def notes(kind: Kind, scale: float, scored: bool) -> list[str]:
    """Sentences for the page: how its scores were measured, and what its pictures show."""
    lines = []
    if scored:
        depth = {255: "8 bit", 65535: "16 bit", None: "without rounding"}.get(kind.levels, f"{kind.levels} levels")
        what = "Y of BT.601" if kind.luma else f"{kind.measured} of image={kind.name}"
        lines.append(f"Scores by the papers' protocol: {depth}, {border(scale)} pixels of border cut, {what}.")
    if text := seen(kind):
        lines.append(f"Pictures, and error maps of them: {text}.")
    return lines


def not_used(file: Path, kind: Kind) -> list[str]:
    """What a page does not show of a file, as endings of a sentence about several files."""
    return image.not_used(file) if _photograph(file, kind) else kind.not_used(file)


def _photograph(file: Path, kind: Kind) -> bool:
    """Whether the file is read as a photograph of 8 bits, in which networks for gray and for RGB meet."""
    return (kind.bands, kind.dtype) == (3, "uint8") and kind.whole and rasters.find(file) is None


def _read(file: Path, kind: Kind, alpha: bool = False) -> tuple[Tensor, bool, Tensor | None]:
    """(1, C, H, W) in [0, 1], whether the file has one band, and where it has data.

    With `alpha`, 16 bits of a photograph are kept, and colours under transparent pixels are filled from those around.
    """
    if _photograph(file, kind):
        read = image.read(file)
        pixels = bled(read.pixels, read.alpha)[:, :] if alpha else image.read_rgb8(file)
        return to_tensor(pixels), read.was_gray, None
    pixels, valid = kind.read_valid(file)
    gray = False
    if kind.bands == 3 and (raster := rasters.opened(file)) is not None:
        with raster:
            gray = raster.shape[2] == 1
    return kind.to_float(torch.tensor(pixels)[None]), gray, None if valid is None else torch.from_numpy(valid)[None, None]


def check_scaling(kind: Kind, reference: Sequence[Path] | str | Path | None) -> None:
    """InputError: HR from a file of a kind whose files are scaled by their own percentiles, so that HR and LR would not fit."""
    if reference is not None and kind.percentiles is not None:
        raise InputError(
            f"reference={reference}: each file of image={kind.name} is scaled by its own percentiles, so LR and HR would have "
            "other values: pass HR as input with degrade=true"
        )
