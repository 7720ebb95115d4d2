"""Pictures of the maps of `sr.metric.truthfulness`: where SR improves on LR, what it omits, what it invents."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sr.image.file import to_pixels
from sr.metric.truthfulness import PARTS, maps
from sr.view.panel import enlarged, shown, titled, worst_window

UNKNOWN = 0.25  # gray of pixels that are not judged


def truth_panel(
    lr: Tensor,
    sr: Tensor,
    hr: Tensor,
    crop: int,
    zoom: int = 2,
    bands: Sequence[int] | None = None,
    levels: int | None = 255,
    contrast: tuple[float, float] | None = None,
) -> Image.Image:
    """SR | HR | improvement | omission | hallucination at the place of `sr.view.panel.panel`; a share of 1 is white, of 0
    black, and pixels that are not judged are dark gray.

    lr (1, C, h, w), sr and hr (1, C, H, W), in [0, 1]; `bands` and `contrast` as in `sr.view.panel.shown`.
    """
    place = (..., *worst_window(lr, hr, crop, levels, contrast))
    shares = maps(lr, sr.clamp(0, 1), hr)
    pictures = {name: shown(one[place], bands, contrast) for name, one in (("SR", sr), ("HR", hr))}
    for index, part in enumerate(PARTS):
        pictures[part] = shares[:, index : index + 1].nan_to_num(UNKNOWN)[place].expand(-1, 3, -1, -1)
    return titled({name: enlarged(picture.cpu(), zoom) for name, picture in pictures.items()})


def in_colours(shares: Tensor) -> np.ndarray:
    """The maps (1, 3, H, W) as one picture (H, W, 3) uint8: improvement green, omission blue, hallucination red, gray where
    nothing is judged."""
    order = [PARTS.index(part) for part in ("hallucination", "improvement", "omission")]
    return to_pixels(torch.nan_to_num(shares[:, order], UNKNOWN).cpu())
