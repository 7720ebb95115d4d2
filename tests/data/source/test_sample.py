"""The sample photos: what ships inside scikit-image, without the held-out ones."""

import socket
from pathlib import Path

import numpy as np
import pytest
import skimage
import skimage.io
from PIL import Image

from sr.data.source import sample
from sr.data.source.sample import HELD_OUT, TRAIN, Sample
from sr.image import file as image
from sr.image import photograph

SHIPPED = Path(skimage.__file__).parent / "data"
NO_PHOTOGRAPH = {"color", "horse", "logo", "microaneurysms", "page", "phantom", "text", "chessboard_GRAY", "chessboard_RGB"}
SOFT = {"cell", "clock_motion", "moon", "retina"}
OTHER_EYE = {"motorcycle_right"}


def test_train_and_held_out_are_all_photographs_that_ship():
    shipped = {file.stem for file in SHIPPED.iterdir() if file.suffix in (".png", ".jpg")}
    used = {Path(name).stem for name in (*TRAIN, *HELD_OUT)}
    assert used == shipped - NO_PHOTOGRAPH - SOFT - OTHER_EYE


@pytest.mark.parametrize("held_out, names", [(False, TRAIN), (True, HELD_OUT)])
def test_files(held_out, names, monkeypatch):
    monkeypatch.setattr(socket, "socket", None)  # whoever opens a connection fails
    source = Sample(held_out=held_out)
    source.prepare(download=True)
    pairs = source.files()
    assert [hr for hr, _ in pairs] == sorted(SHIPPED / name for name in names)
    assert all(lr is None for _, lr in pairs)


def test_held_out_photos_are_not_trained_on():
    assert {"astronaut.png", "coffee.png", "rocket.jpg"} == set(HELD_OUT)
    assert not {file for file, _ in Sample().files()} & {file for file, _ in Sample(held_out=True).files()}


def test_gray_photos_are_read_as_rgb():
    gray = [image.read_rgb8(file) for file, _ in Sample().files() if skimage.io.imread(file).ndim == 2]
    assert len(gray) == 5
    assert all(pixels.shape[2] == 3 and np.ptp(pixels, axis=2).max() == 0 for pixels in gray)


def test_soft_photos_have_no_detail_to_learn():
    """Reduced by 2 and enlarged again they come back with more than 40 dB; the photos in use lose more."""

    def restored(name: str) -> float:
        photo = Image.open(SHIPPED / name)
        small = photo.resize((photo.width // 2, photo.height // 2), Image.Resampling.BICUBIC)
        difference = np.asarray(small.resize(photo.size, Image.Resampling.BICUBIC), float) - np.asarray(photo, float)
        return -10 * np.log10(np.mean((difference / 255) ** 2))

    assert min(restored(f"{name}{'.jpg' if name == 'retina' else '.png'}") for name in SOFT) > 40
    assert max(restored(name) for name in TRAIN) < 40


def test_other_version_of_scikit_image(tmp_path, monkeypatch):
    monkeypatch.setattr(sample, "folder", lambda: tmp_path)
    for name in TRAIN[1:]:
        (tmp_path / name).touch()
    with pytest.raises(FileNotFoundError, match=r"^scikit-image does not contain brick.png in .*data=folder.*\)$"):
        Sample().prepare()


def test_no_scikit_image(monkeypatch):
    monkeypatch.setattr(photograph, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="scikit-image, whose photos are the sample data, is not installed"):
        Sample().prepare()
