"""Copies of a picture are found whatever file they are in, and other pictures are not."""

import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from sr.data import alike
from sr.data.alike import pairs, thumbnails
from sr.data.source.sample import Sample
from tests.jobs import run_train

FILES = [file for held_out in (False, True) for file, _ in Sample(held_out=held_out).files()]
PHOTOS = [PIL.Image.open(file).convert("RGB") for file in FILES]


def jpeg(image):
    stored = BytesIO()
    image.save(stored, "JPEG", quality=60)
    return PIL.Image.open(stored)


def half(image):
    return image.resize((image.width // 2, image.height // 2), PIL.Image.Resampling.BICUBIC)


def cut(image):
    return image.crop((0, 0, image.width - 3, image.height - 3))


def made(images, folder):
    arrays = [np.atleast_3d(np.asarray(image)) for image in images]
    return thumbnails([f"{folder}{number}" for number in range(len(arrays))], arrays.__getitem__, Path(folder))


@pytest.mark.parametrize("copy", [jpeg, half, cut, lambda image: image.convert("L")], ids=["jpeg", "half", "cut", "gray"])
def test_a_copy_is_its_own_photo_and_no_other(tmp_path, copy):
    ours = made(PHOTOS, tmp_path / "ours")
    assert pairs(ours, made([copy(photo) for photo in PHOTOS], tmp_path / "copies")) == [(i, i) for i in range(len(PHOTOS))]
    mirrored = made([photo.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT) for photo in PHOTOS], tmp_path / "mirrored")
    assert pairs(ours, mirrored) == []


def test_the_pictures_that_real_sets_share_are_found(sr_data, tmp_path):
    """head of Set5 is face of Set14 in another size, woman of Set5 is 302003 of BSDS500, and t36 of T91 is t65."""
    folders = {
        name: sorted((sr_data / name).glob("*")) for name in ("benchmark/Set5/HR", "benchmark/Set14/HR", "T91", "BSDS500/train")
    }
    found = {name: made([PIL.Image.open(file).convert("RGB") for file in files], tmp_path / name.replace("/", "_"))
             for name, files in folders.items()}  # fmt: skip
    five, fourteen, t91, bsds = folders.values()
    both = pairs(found["benchmark/Set5/HR"], found["benchmark/Set14/HR"])
    assert [(five[one].stem, fourteen[two].stem) for one, two in both] == [("head", "face")]
    both = pairs(found["BSDS500/train"], found["benchmark/Set5/HR"])
    assert [(bsds[one].stem, five[two].stem) for one, two in both] == [("302003", "woman")]
    assert not pairs(found["BSDS500/train"], found["benchmark/Set14/HR"])
    assert not pairs(found["T91"], found["benchmark/Set5/HR"]) and not pairs(found["T91"], found["benchmark/Set14/HR"])
    first, second = (next(at for at, file in enumerate(t91) if file.stem == name) for name in ("t36", "t65"))
    luma = found["T91"].normalised()
    assert luma[first] @ luma[second] > alike.ALIKE


def test_16_bits_bands_and_images_without_contrast(tmp_path):
    photo = np.asarray(PHOTOS[0].convert("RGB"))
    six = np.concatenate([photo, photo], axis=2).astype(np.uint16) * 257
    flat = np.full_like(photo, 90)
    ours = thumbnails(["a", "b"], [photo, flat].__getitem__, tmp_path / "a")
    assert pairs(ours, thumbnails(["c", "d"], [six, flat].__getitem__, tmp_path / "b")) == [(0, 0)]


def test_a_run_names_them_and_reads_each_image_once(tmp_path, monkeypatch):
    for folder in ("train", "test"):
        (tmp_path / folder).mkdir()
    for file in FILES[:4]:
        shutil.copy(file, tmp_path / "train")
    jpeg(PHOTOS[2]).save(tmp_path / "test" / "other_name.png")
    shutil.copy(FILES[-1], tmp_path / "test")
    words = ["data=folder", f"data.train={tmp_path}/train", "benchmark=folder", f"benchmark.folder.hr={tmp_path}/test"]
    words += [f"data_dir={tmp_path}/data", f"data.cache_dir={tmp_path}/cache", "validation=[]", "trainer.max_steps=1"]
    line = rf"1 of 2 images of benchmark folder look like training images \(other_name.png is {FILES[2].name}\): their scores"
    with pytest.warns(UserWarning, match=line):
        run_train(*words, f"output_dir={tmp_path}/run")
    monkeypatch.setattr(alike, "_thumbnail", None)  # kept beside the decoded images
    with pytest.warns(UserWarning, match=line):
        run_train(*words, f"output_dir={tmp_path}/again")
