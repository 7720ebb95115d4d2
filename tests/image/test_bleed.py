"""sr/image/bleed.py: no dark edges where colour under transparency is black, and nothing else changed."""

import numpy as np
import PIL.Image
import pytest

from sr.image.bleed import Bled, bled
from sr.image.file import Image, read, write
from sr.infer.strips import strips
from sr.infer.upscaler import Upscaler
from sr.network.interpolation import Interpolation
from sr.predict.files import predict_files
from sr.predict.plan import plan
from tests.enlarge import enlarge

BICUBIC = Interpolation(scale=4)


def disc(hidden: int, dtype: type = np.uint8, side: int = 64) -> Image:
    """A white disc with a smooth edge; its transparent surroundings are of the level `hidden` of 255."""
    most = np.iinfo(dtype).max
    y, x = np.mgrid[:side, :side] + 0.5
    cover = np.clip(side * 3 / 8 + 0.5 - np.hypot(y - side / 2, x - side / 2), 0, 1)
    alpha = np.rint(cover * most).astype(dtype)
    white = np.where(alpha[..., None] > 0, most, hidden * (most // 255)).astype(dtype)
    return Image(np.repeat(white, 3, axis=2), alpha=alpha)


def on_white(image: Image) -> np.ndarray:
    """(H, W, 3), of 255."""
    alpha = image.alpha[..., None] / np.iinfo(image.alpha.dtype).max
    return (image.pixels / np.iinfo(image.pixels.dtype).max * alpha + 1 - alpha) * 255


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("tile", [None, 24])
def test_a_white_disc_on_white_is_white(dtype, tile):
    for hidden in (0, 128, 255):
        result = enlarge(BICUBIC, disc(hidden, dtype), tile, overlap=8)
        assert on_white(result).min() > 254.9
        assert result.alpha.min() == 0 and result.alpha.max() == np.iinfo(dtype).max


@pytest.mark.parametrize("kind", ["gray with alpha", "palette", "colour key", "16 bit"])
def test_every_kind_of_transparency_in_a_file(tmp_path, kind):
    small, file = disc(0), tmp_path / "a.png"
    cut = PIL.Image.fromarray(np.where(small.alpha > 0, 255, 0).astype(np.uint8))
    if kind == "gray with alpha":
        PIL.Image.merge("LA", [cut, PIL.Image.fromarray(small.alpha)]).save(file)
    elif kind == "palette":
        cut.convert("RGB").quantize(2).save(file, transparency=0 if cut.convert("RGB").quantize(2).getpixel((0, 0)) == 0 else 1)
    elif kind == "colour key":
        cut.convert("RGB").save(file, transparency=(0, 0, 0))
    else:
        write(file, disc(0, np.uint16))
    assert read(file).alpha.min() == 0
    assert predict_files(BICUBIC, plan(file, tmp_path / "out")).written == 1
    assert on_white(read(tmp_path / "out" / "a.png")).min() > 254.9


def test_visible_pixels_stay_and_hidden_ones_follow_their_neighbours(sr_data):
    photo = read(sr_data / "benchmark" / "Set5" / "HR" / "butterfly.png").pixels
    alpha = np.full(photo.shape[:2], 255, np.uint8)
    alpha[100:140, 60:180] = 0
    alpha[30:60] = 1
    holed = np.where(alpha[..., None] > 0, photo, 0)
    filled = Bled(holed, alpha)[:, :]
    np.testing.assert_array_equal(filled[alpha > 0], photo[alpha > 0])
    rim = np.zeros_like(alpha, bool)
    rim[99:141, 59:181] = True
    hole, rim = alpha == 0, rim & (alpha > 0)
    assert filled[hole].min() >= photo[95:145, 55:185].min()  # nothing of the black
    assert np.abs(filled[hole].mean(0) - photo[rim].mean(0).astype(float)).max() < 25
    edge = np.abs(filled[100, 60:180].astype(float) - photo[99, 60:180]).mean()
    assert edge < np.abs(photo[100, 60:180].astype(float) - np.roll(photo[99, 60:180], 9, 0)).mean()


@pytest.mark.parametrize("shape", [(61, 83), (257, 4), (1, 9), (1, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_part_is_the_same_in_any_window(shape, dtype):
    rng, most = np.random.default_rng(0), np.iinfo(dtype).max
    pixels, alpha = (rng.integers(0, most + 1, (*shape, n)).astype(dtype) for n in (3, 1))
    alpha = alpha[..., 0] * (rng.random(shape) > 0.6)
    alpha[: shape[0] // 2] = 0
    filled = Bled(pixels, alpha.astype(dtype))
    whole = filled[:, :]
    for _ in range(40):
        y, x = (sorted(rng.choice(length + 1, 2, replace=False)) for length in shape)
        np.testing.assert_array_equal(filled[y[0] : y[1], x[0] : x[1]], whole[y[0] : y[1], x[0] : x[1]])


def test_what_is_visible_or_wholly_hidden_is_left_alone():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    assert bled(pixels, None) is pixels
    assert bled(pixels, np.full((40, 50), 1, np.uint8)) is pixels
    nothing = np.zeros((40, 50), np.uint8)
    np.testing.assert_array_equal(Bled(pixels, nothing)[3:20, 4:9], pixels[3:20, 4:9])
    opaque, plain = (
        np.concatenate(list(strips(Upscaler(BICUBIC, tile=32), Image(pixels, alpha=alpha))))
        for alpha in (np.full((40, 50), 255, np.uint8), None)
    )
    np.testing.assert_array_equal(opaque[..., :3], plain)
