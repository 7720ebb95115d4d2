"""Side-by-side pictures: the same crop in LR, bicubic, SR and HR, with their names above."""

import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from sr.image import to_pixels
from sr.resize import imresize

_GAP, _TITLE = 4, 18  # pixels


def panel(lr: Tensor, sr: Tensor, hr: Tensor, crop: int, zoom: int = 2) -> Image.Image:
    """LR (nearest) | bicubic | SR | HR of the place where bicubic is worst, each `crop` HR pixels wide, `zoom` times enlarged.

    lr (1, 3, h, w), sr and hr (1, 3, H, W), RGB in [0, 1].
    """
    bicubic = imresize(lr.cpu(), size=tuple(hr.shape[-2:]), rounding=True)
    sr, hr = sr.cpu(), hr.cpu()
    top, left, side = worst_place(bicubic, hr, crop)
    nearest = F.interpolate(lr.cpu(), size=hr.shape[-2:], mode="nearest")
    pictures = {"LR": nearest, "bicubic": bicubic, "SR": sr, "HR": hr}
    crops = {name: picture[..., top : top + side, left : left + side] for name, picture in pictures.items()}
    return titled({name: _to_pil(picture, zoom) for name, picture in crops.items()})


def worst_place(bicubic: Tensor, hr: Tensor, crop: int) -> tuple[int, int, int]:
    """Of two images (1, 3, H, W): top, left and side of the square with the largest mean error."""
    error = (bicubic - hr).abs().mean(1, keepdim=True)
    side = min(crop, *error.shape[-2:])
    mean = F.avg_pool2d(error, side, stride=max(side // 8, 1))
    index = int(mean.flatten().argmax())
    row, column = divmod(index, mean.shape[-1])
    return row * max(side // 8, 1), column * max(side // 8, 1), side


def titled(pictures: dict[str, Image.Image]) -> Image.Image:
    """Pictures of one size in a row, each with its title above."""
    width, height = next(iter(pictures.values())).size
    row = Image.new("RGB", (len(pictures) * (width + _GAP) - _GAP, height + _TITLE), "white")
    draw, font = ImageDraw.Draw(row), ImageFont.load_default(13)
    for index, (title, picture) in enumerate(pictures.items()):
        row.paste(picture, (index * (width + _GAP), _TITLE))
        draw.text((index * (width + _GAP) + width / 2, _TITLE / 2), title, "black", font, anchor="mm")
    return row


def _to_pil(image: Tensor, zoom: int) -> Image.Image:
    picture = Image.fromarray(to_pixels(image))
    return picture.resize((picture.width * zoom, picture.height * zoom), Image.Resampling.NEAREST)
