"""A contact sheet: HR and LR patches side by side, with a text below each pair."""

import textwrap
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from sr.image.file import to_pixels
from sr.view.panel import shown

_SIDE, _GAP, _LINE, _FONT = 256, 8, 15, 12  # pixels
_COLUMNS = 4


def sheet(
    hr: Tensor,
    lr: Tensor,
    texts: Sequence[str],
    title: str,
    bands: Sequence[int] | None = None,
    contrast: tuple[float, float] | None = None,
) -> Image.Image:
    """HR | LR enlarged by nearest neighbour, four pairs in a row, each with its text; `title` above all.

    Small patches are enlarged by a whole factor, of large ones the middle is shown.

    Args:
        hr, lr: (N, C, sH, sW) and (N, C, H, W) in [0, 1] on the CPU.
        texts: one for each pair.
        bands, contrast: as in `sr.view.panel.shown`.
    """
    font, scale = ImageFont.load_default(_FONT), hr.shape[-1] // lr.shape[-1]
    side = min(hr.shape[-1], max(_SIDE // scale, 1) * scale)  # HR pixels shown, whole LR pixels
    zoom = max(_SIDE // side, 1)
    width = 2 * side * zoom + _GAP
    letters = max(int(width / font.getlength("0123456789, abcdefghij") * 22), 8)
    blocks = [_lines(text, letters) for text in texts]
    height = side * zoom + _LINE * max(1, *map(len, blocks)) + 2 * _GAP
    columns = min(_COLUMNS, len(texts))
    rows = -(-len(texts) // columns)
    page = Image.new("RGB", (columns * (width + 2 * _GAP) + _GAP, rows * (height + _GAP) + 2 * _LINE + _GAP), "white")
    draw = ImageDraw.Draw(page)
    draw.text((_GAP, _GAP), title, "black", ImageFont.load_default(_FONT + 2))
    for index, block in enumerate(blocks):
        x, y = index % columns * (width + 2 * _GAP) + _GAP, index // columns * (height + _GAP) + 2 * _LINE + _GAP
        for place, (image, times) in enumerate(((hr, zoom), (lr, zoom * scale))):
            patch = _middle(shown(image[index : index + 1], bands, contrast), side * zoom // times)
            picture = Image.fromarray(to_pixels(patch)).resize((side * zoom, side * zoom), Image.Resampling.NEAREST)
            page.paste(picture, (x + place * (side * zoom + _GAP), y))
        draw.multiline_text((x, y + side * zoom + 2), "\n".join(block), "black", font, spacing=_LINE - _FONT)
    return page


def _lines(text: str, letters: int) -> list[str]:
    """The text in lines, cut at its commas where that is possible."""
    parts = text.replace(" ", "\N{NO-BREAK SPACE}").replace(",\N{NO-BREAK SPACE}", ", ")
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in textwrap.wrap(parts, letters)]


def _middle(image: Tensor, side: int) -> Tensor:
    top, left = ((length - side) // 2 for length in image.shape[-2:])
    return image[..., top : top + side, left : left + side]
