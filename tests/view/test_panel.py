"""Side-by-side pictures."""

import numpy as np
import torch
from PIL import Image

from sr import build
from sr.functional.resize import imresize
from sr.view.panel import panel, seen, titled, worst_place
from tests.jobs import compose


def brute_force(error: torch.Tensor, side: int, step: int) -> tuple[int, int]:
    """Every square on the grid, one after the other."""
    h, w = error.shape[-2:]
    places = [(y, x) for y in range(0, h - side + 1, step) for x in range(0, w - side + 1, step)]
    return max(
        places, key=lambda place: float(error[0, 0, place[0] : place[0] + side, place[1] : place[1] + side].double().mean())
    )


def test_worst_place_is_that_of_a_brute_force_search():
    generator = torch.Generator().manual_seed(0)
    for height, width, crop in [(64, 80, 16), (33, 61, 24), (40, 40, 7), (30, 90, 30), (50, 20, 32)]:
        error = torch.rand(1, 1, height, width, generator=generator).mul(255).round().div(255)  # enlarged by 1, it stays
        top, left, side = worst_place(error, torch.zeros_like(error), crop)
        assert side == min(crop, height, width)
        assert (top, left) == brute_force(error, side, max(side // 8, 1))
        assert top + side <= height and left + side <= width


def test_worst_place_is_near_the_worst_of_all_places():
    error = torch.zeros(1, 1, 100, 100)
    error[..., 40:56, 61:77] = 1
    top, left, side = worst_place(error, torch.zeros_like(error), 16)
    assert abs(top - 40) <= 2 and abs(left - 61) <= 2 and side == 16


def test_panel_shows_the_four_pictures_of_that_place():
    generator = torch.Generator().manual_seed(0)
    hr = (torch.rand(1, 3, 48, 64, generator=generator) * 255).round() / 255
    lr = imresize(hr, 1 / 2, rounding=True)
    sr = torch.full_like(hr, 0.5)
    crop, gap, title = 16, 4, 18
    picture = np.asarray(panel(lr, sr, hr, crop, zoom=2)).astype(int)
    assert picture.shape == (2 * crop + title, 4 * 2 * crop + 3 * gap, 3)
    shown = [picture[title:, i * (2 * crop + gap) :][:, : 2 * crop][::2, ::2] for i in range(4)]

    bicubic = imresize(lr, size=(48, 64), rounding=True)
    top, left, side = worst_place(lr, hr, crop)
    nearest = lr.repeat_interleave(2, -1).repeat_interleave(2, -2)
    for name, image, found in zip(("LR", "bicubic", "SR", "HR"), (nearest, bicubic, sr, hr), shown, strict=True):
        expected = (image[0, :, top : top + side, left : left + side] * 255).round().permute(1, 2, 0).numpy()
        assert (found == expected).all(), name


def test_an_image_smaller_than_the_crop_is_shown_whole():
    hr = torch.rand(1, 3, 10, 20)
    picture = panel(torch.rand(1, 3, 5, 10), hr, hr, crop=96, zoom=1)
    assert picture.size == (4 * 20 + 3 * 4, 10 + 18)


def test_a_line_of_text_is_shown_as_wide_as_the_crop():
    hr = torch.zeros(1, 1, 24, 300)
    hr[..., 280:] = torch.rand(20)  # bicubic is worst at its right end
    picture = np.asarray(panel(imresize(hr, 1 / 2), hr, hr, crop=96, zoom=1, bands=[0]))
    assert picture.shape == (24 + 18, 4 * 96 + 3 * 4, 3)
    assert np.array_equal(picture[18:, -96:, 0], (hr[0, 0, :, -96:] * 255).round().numpy())


def test_what_the_pictures_of_a_kind_show_is_written_below():
    kinds = {name: build.image(compose("train", f"image={name}")) for name in ("photo", "gray", "ct", "mri", "sentinel2")}
    texts = {name: seen(kind) for name, kind in kinds.items()}
    assert texts == {
        "photo": "",
        "gray": "",
        "ct": "black to white is -160 to 240 HU",
        "mri": "black to white is percentiles 0 to 99.9 of a series",
        "sentinel2": "bands 6, 4, 1 as red, green, blue; black to white is 0 to 4000 (reflectance times 10,000)",
    }
    hr = torch.rand(1, 1, 64, 64)
    plain, noted = (panel(imresize(hr, 1 / 2), hr, hr, crop=64, zoom=1, note=note) for note in ("", texts["ct"]))
    assert noted.height == plain.height + 18 and noted.width == plain.width
    assert np.asarray(noted)[plain.height :].min() < 128  # there is a text


def test_titles_are_written_above_each_picture():
    picture = titled({name: Image.new("RGB", (60, 10), "red") for name in ("LR", "SR")})
    pixels = np.asarray(picture)
    for left in (0, 64):
        assert (pixels[:18, left : left + 60] < 128).any() and (pixels[18:, left : left + 60] == [255, 0, 0]).all()


def test_at_scale_1_lr_is_shown_once():
    image = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    assert panel(image, image, image, 32, zoom=1).width == 3 * 32 + 2 * 4  # input, SR, HR
