"""Pictures of clips: a strip that plays (LR | bicubic | SR | HR of each frame), and a slice through time."""

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

from sr.functional.bicubic import Bicubic
from sr.image.file import to_pixels
from sr.view.panel import nearest, panel, shown, titled, worst_window

MOST = 24  # frames of a strip
_FRAME, _ZOOM = 6, 2  # rows of a slice per frame; as in panels


def panel_clip(
    lr: Tensor,
    sr: Tensor,
    hr: Tensor | None,
    crop: int,
    bands: Sequence[int] | None = None,
    levels: int | None = 255,
    contrast: tuple[float, float] | None = None,
) -> tuple[list[Image.Image], Image.Image]:
    """The panels of the first 24 frames, all at the place where bicubic is worst in the middle frame; and their slice.

    In the slice x goes from left to right and time from top to bottom, in the middle row of that place: what flickers makes
    horizontal stripes, what moves steadily slanted lines.

    lr (1, T, C, h, w), sr and hr (1, T, C, H, W), in [0, 1]; other arguments as of `sr.view.panel.panel`.
    """
    lr, sr, hr = (None if clip is None else clip[:, :MOST] for clip in (lr, sr, hr))
    middle, true = sr.shape[1] // 2, sr if hr is None else hr
    place = rows, columns = worst_window(lr[:, middle], true[:, middle], crop, levels, contrast)
    options = {"bands": bands, "levels": levels, "contrast": contrast, "place": place}
    frames = zip(lr.unbind(1), sr.unbind(1), [None] * sr.shape[1] if hr is None else hr.unbind(1), strict=True)
    strip = [panel(*images, crop, **options) for images in frames]

    row, size = (rows.start + rows.stop) // 2, tuple(sr.shape[-2:])
    rows = slice(row, row + 1)
    lines = {"SR": sr[..., rows, columns]} | ({} if hr is None else {"HR": hr[..., rows, columns]})
    if tuple(lr.shape[-2:]) != size:
        low = nearest(lr, size, rows, columns)
        smooth = torch.stack([Bicubic(frame, size, levels).part(rows, columns) for frame in lr.unbind(1)], 1)
        lines = {"LR": low, "bicubic": smooth} | lines
    else:
        lines = {"input": lr[..., rows, columns]} | lines
    return strip, titled({f"x/t, {name}": _stacked(line, bands, contrast) for name, line in lines.items()})


def _stacked(line: Tensor, bands: Sequence[int] | None, contrast: tuple[float, float] | None) -> Image.Image:
    """(1, T, C, 1, w) -> a picture of T rows."""
    picture = Image.fromarray(to_pixels(shown(line[..., 0, :].transpose(1, 2), bands, contrast).cpu()))
    return picture.resize((picture.width * _ZOOM, picture.height * _FRAME), Image.Resampling.NEAREST)
