"""Side-by-side pictures: the same crop of LR, bicubic, SR and HR, with titles."""

import textwrap
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from sr.errors import InputError
from sr.functional.bicubic import BAND, Bicubic
from sr.image.file import to_pixels
from sr.image.kind import Kind

_GAP, _TITLE = 4, 18  # pixels


def panel(
    lr: Tensor,
    sr: Tensor,
    hr: Tensor | None,
    crop: int,
    zoom: int = 2,
    bands: Sequence[int] | None = None,
    levels: int | None = 255,
    contrast: tuple[float, float] | None = None,
    note: str = "",
    place: tuple[slice, slice] | None = None,
) -> Image.Image:
    """LR (nearest) | bicubic | SR | HR at the place where bicubic is worst, each `crop` HR pixels wide and enlarged `zoom`
    times; or at `place`: rows and columns in HR pixels.

    At scale 1 the first two are one picture, "input".

    lr (1, C, h, w), sr and hr (1, C, H, W), in [0, 1]; `bands` and `contrast` as in `shown`; bicubic is rounded to `levels`,
    255 for 8 bit. `note` is written below.
    Without HR the place is where bicubic is furthest from SR.
    """
    size = tuple(sr.shape[-2:])
    rows, columns = place or worst_window(lr, sr if hr is None else hr, crop, levels, contrast)
    low = nearest(lr, size, rows, columns)
    same = lr.shape[-2:] == size
    before = {"input": low} if same else {"LR": low, "bicubic": Bicubic(lr, size, levels).part(rows, columns)}
    crops = {**before, "SR": sr[..., rows, columns]}
    if hr is not None:
        crops["HR"] = hr[..., rows, columns]
    return titled({name: enlarged(shown(picture, bands, contrast).cpu(), zoom) for name, picture in crops.items()}, note)


def shown(image: Tensor, bands: Sequence[int] | None = None, contrast: tuple[float, float] | None = None) -> Tensor:
    """The RGB picture (1, 3, H, W) shown for an image (1, C, H, W).

    Args:
        bands: indices, from 0, of the bands shown as red, green and blue, or of one band shown as gray. None: RGB unchanged;
            one band, or the first of two, as gray; of more bands the first three.
        contrast: the values shown as black and white (`sr.image.kind.Kind.contrast`); None: 0 and 1.

    Raises:
        InputError: another number of bands, or an index that the image does not have.
    """
    count = image.shape[1]
    bands = list(range(3) if count > 2 else range(1)) if bands is None else list(bands)
    if len(bands) not in (1, 3) or not all(0 <= band < count for band in bands):
        raise InputError(f"bands={bands}: choose one (gray) or three (red, green, blue) from 0 to {count - 1}")
    picture = image[:, bands].expand(-1, 3, -1, -1)
    return picture if contrast is None else ((picture - contrast[0]) / (contrast[1] - contrast[0])).clamp(0, 1)


def seen(kind: Kind) -> str:
    """What pictures of a kind show, in words: "bands 6, 4, 1 as red, green, blue; black to white is 0 to 4000"; "" if all."""
    which = ", ".join(str(band + 1) for band in kind.shown)
    which = f"bands {which} as red, green, blue" if len(kind.shown) == 3 else f"band {which} of {kind.bands}"
    low, high = kind.window or kind.range
    ends = f"{low:g} to {high:g} {kind.unit}".strip() if kind.window or not kind.whole else ""
    if kind.percentiles is not None and kind.window is None:
        ends = "percentiles {:g} to {:g} of a series".format(*kind.percentiles)
    bands = which if kind.shown != tuple(range(kind.bands)) else ""
    return "; ".join(filter(None, (bands, ends and f"black to white is {ends}")))


def worst_place(
    lr: Tensor, hr: Tensor, crop: int, levels: int | None = 255, contrast: tuple[float, float] | None = None
) -> tuple[int, int, int]:
    """Where bicubic upscaling of lr (1, C, h, w) is worst: top, left and side of the square of hr (1, C, H, W) with the
    largest mean error; with `contrast` of the error that can be seen. Searched in horizontal strips, so that memory does not
    grow with the image."""
    height, width = hr.shape[-2:]
    bicubic = Bicubic(lr, (height, width), levels)
    side = min(crop, height, width)
    stride = max(side // 8, 1)
    places = (height - side) // stride + 1  # rows of candidate squares
    # Strips overlap by almost a square: at most a third is computed twice.
    together = max(BAND // width - side, 3 * side) // stride
    best, found = -1.0, (0, 0)
    for first in range(0, places, together):
        last = min(first + together, places)
        rows = slice(first * stride, (last - 1) * stride + side)
        pair = bicubic.part(rows, slice(0, width)), hr[..., rows, :]
        one, other = pair if contrast is None else (picture.clamp(*contrast) for picture in pair)
        error = (one - other).abs().mean(1, keepdim=True)
        mean = F.avg_pool2d(error, side, stride=stride)
        worst = int(mean.flatten().argmax())
        if (value := float(mean.flatten()[worst])) > best:
            row, column = divmod(worst, mean.shape[-1])
            best, found = value, ((first + row) * stride, column * stride)
    return *found, side


def worst_window(
    lr: Tensor, hr: Tensor, crop: int, levels: int | None = 255, contrast: tuple[float, float] | None = None
) -> tuple[slice, slice]:
    """Rows and columns of `worst_place`. Of an image less high than `crop`, such as a line of text, all rows and `crop`
    columns; likewise of a narrow one."""
    top, left, side = worst_place(lr, hr, crop, levels, contrast)
    parts = []
    for first, length in zip((top, left), hr.shape[-2:], strict=True):
        start = min(max(first - (min(crop, length) - side) // 2, 0), length - min(crop, length))
        parts.append(slice(start, start + min(crop, length)))
    return parts[0], parts[1]


def nearest(lr: Tensor, size: tuple[int, int], rows: slice, columns: slice) -> Tensor:
    """These rows and columns of LR (..., h, w) enlarged to `size` by repeating pixels."""
    for dim, part in ((-2, rows), (-1, columns)):
        places = torch.arange(part.start, part.stop, dtype=torch.float64) + 0.5
        lr = lr.index_select(dim, (places * lr.shape[dim] / size[dim]).long().to(lr.device))
    return lr


def titled(pictures: dict[str, Image.Image], note: str = "") -> Image.Image:
    """Pictures of equal size in a row, each with its title above; a note below all."""
    width, height = next(iter(pictures.values())).size
    whole, small = len(pictures) * (width + _GAP) - _GAP, ImageFont.load_default(11)
    lines = textwrap.wrap(note, max(int(whole / small.getlength("0")), 12))
    row = Image.new("RGB", (whole, height + _TITLE * (1 + len(lines))), "white")
    draw, font = ImageDraw.Draw(row), ImageFont.load_default(13)
    for index, line in enumerate(lines):
        draw.text((whole / 2, height + _TITLE * (index + 1.5)), line, "black", small, anchor="mm")
    for index, (title, picture) in enumerate(pictures.items()):
        row.paste(picture, (index * (width + _GAP), _TITLE))
        draw.text((index * (width + _GAP) + width / 2, _TITLE / 2), title, "black", font, anchor="mm")
    return row


def enlarged(image: Tensor, zoom: int) -> Image.Image:
    """A picture (1, 3, H, W) in [0, 1] whose pixels are squares of `zoom` pixels."""
    picture = Image.fromarray(to_pixels(image))
    return picture.resize((picture.width * zoom, picture.height * zoom), Image.Resampling.NEAREST)
