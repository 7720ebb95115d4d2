"""Folders of one's own images, alone and in pairs; the images are those of Set5."""

import shutil

import pytest

from sr import build
from sr.data.source.folder import Folder, check_pairs
from sr.image import file as image
from tests.jobs import compose


@pytest.fixture
def set5(sr_data):
    return sr_data / "benchmark" / "Set5"


@pytest.fixture
def paired(set5, tmp_path):
    """(hr, lr) folders with Set5 in a nested folder, LR named babyx2.png."""
    shutil.copytree(set5 / "HR", tmp_path / "hr" / "a" / "b")
    shutil.copytree(set5 / "LR_bicubic" / "X2", tmp_path / "lr" / "a" / "b")
    return tmp_path / "hr", tmp_path / "lr"


def test_nested_formats(set5, sr_data, tmp_path):
    baby = image.read(set5 / "HR" / "baby.png")
    for name in ("z.png", "a/b/c/x.jpg", "a/y.jpeg", "a/x.webp", "b/x.tif", "b/y.TIFF", "c.d/x.BMP"):
        image.write(tmp_path / name.lower(), baby)
        (tmp_path / name.lower()).rename(tmp_path / name)
    (tmp_path / "a" / "notes.txt").write_text("no image")
    source = Folder(tmp_path)
    source.prepare()
    names = [hr.relative_to(tmp_path).as_posix() for hr, lr in source.files() if lr is None]
    assert names == ["a/b/c/x.jpg", "a/x.webp", "a/y.jpeg", "b/x.tif", "b/y.TIFF", "c.d/x.BMP", "z.png"]


def test_real_folders(sr_data):
    assert len(Folder(sr_data / "BSDS500" / "train").files()) == 200
    assert len(Folder(str(sr_data / "T91")).files()) == 91


def test_no_such_folder(set5, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^no such folder: .*/photos$"):
        Folder(tmp_path / "photos").prepare()
    with pytest.raises(FileNotFoundError, match=r"^no such folder: .*/lr$"):
        Folder(set5 / "HR", lr=tmp_path / "lr").prepare()


def test_a_file_is_no_folder(set5):
    with pytest.raises(FileNotFoundError, match=r"^not a folder: .*baby.png$"):
        Folder(set5 / "HR" / "baby.png").prepare()


def test_folder_without_images(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "notes.txt").write_text("no image")
    with pytest.raises(FileNotFoundError, match=r"^no images in .*: looked for PNG, JPEG, .*; found 1 .txt$"):
        Folder(tmp_path).prepare()


@pytest.mark.parametrize("pattern", ["{}x2.png", "{}.png", "{}X2.png", "{}_x2.png", "{}.tif"])
def test_pairs_by_name(pattern, paired):
    hr, lr = paired
    for file in sorted((lr / "a" / "b").iterdir()):
        pixels = image.read(file)
        file.unlink()
        image.write(lr / "a" / "b" / pattern.format(file.stem.removesuffix("x2")), pixels)
    pairs = Folder(hr, lr).files()
    assert [h.stem for h, _ in pairs] == ["baby", "bird", "butterfly", "head", "woman"]
    assert [low.name for _, low in pairs] == [pattern.format(h.stem) for h, _ in pairs]
    check_pairs(pairs, 2)


def test_exact_name_wins_over_suffix(paired):
    """`box2.png` is the partner of `box2.png`, not of `bo.png`."""
    hr, lr = paired
    (hr / "a/b/baby.png").rename(hr / "a/b/box2.png")
    (lr / "a/b/babyx2.png").rename(lr / "a/b/box2.png")
    partners = {h.name: low.name for h, low in Folder(hr, lr).files()}
    assert partners["box2.png"] == "box2.png" and partners["bird.png"] == "birdx2.png"


def test_hr_without_partner(paired):
    hr, lr = paired
    (lr / "a/b/headx2.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"^no LR partner for .*head.png in .*: looked for .* 1 of 5 images have"):
        Folder(hr, lr).prepare()


def test_partner_in_another_subfolder_is_none(paired):
    hr, lr = paired
    (lr / "a" / "b").rename(lr / "c")
    with pytest.raises(FileNotFoundError, match="no LR partner for .*baby.png"):
        Folder(hr, lr).prepare()


def test_several_partners(paired, set5):
    hr, lr = paired
    shutil.copy(set5 / "LR_bicubic" / "X4" / "birdx4.png", lr / "a" / "b")
    with pytest.raises(ValueError, match=r"^several LR partners for .*bird.png in .*: birdx2.png, birdx4.png; pass the folder"):
        Folder(hr, lr).prepare()


@pytest.mark.parametrize("name", ["Set5", "Set14"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_real_pairs_match_at_their_scale_only(sr_data, name, scale):
    folder = sr_data / "benchmark" / name
    pairs = Folder(folder / "HR", folder / "LR_bicubic" / f"X{scale}").files()
    check_pairs(pairs, scale)
    with pytest.raises(ValueError, match=rf"^sizes do not match at x{5 - scale or 5}"):
        check_pairs(pairs, 5 - scale or 5)


def test_size_mismatch_names_both_files(paired, set5):
    hr, lr = paired
    shutil.copy(set5 / "LR_bicubic" / "X4" / "birdx4.png", lr / "a/b/birdx2.png")
    pairs = Folder(hr, lr).files()
    message = r"^sizes do not match at x2: .*birdx2.png is 72x72, expected 144x144 for .*bird.png of 288x288 \(height"
    with pytest.raises(ValueError, match=message):
        check_pairs(pairs, 2)


def test_sizes_are_read_from_headers_only(paired):
    """Files cut behind their header have a size still, and cost no decoding."""
    hr, lr = paired
    pairs = Folder(hr, lr).files()
    for pair in pairs:
        for file in pair:
            file.write_bytes(file.read_bytes()[:200])
    check_pairs(pairs, 2)


def test_lr_files_without_hr_are_said(paired):
    hr, lr = paired
    (hr / "a/b/head.png").unlink()
    with pytest.warns(UserWarning, match=r"/lr: 1 of 5 LR images have no HR image and are not used \(headx2.png"):
        Folder(hr, lr).prepare()


def test_partners_by_a_pattern(paired):
    hr, lr = paired
    for file in lr.rglob("*.png"):
        file.rename(file.with_name(f"lr_{file.stem.removesuffix('x2')}_2.png"))
    with pytest.raises(FileNotFoundError, match="no LR partner for .*lr_pattern="):
        Folder(hr, lr).files()
    pairs = Folder(hr, lr, lr_pattern="lr_{name}_{scale}", scale=2).files()
    assert [low.name for _, low in pairs] == [f"lr_{high.stem}_2.png" for high, _ in pairs] and len(pairs) == 5
    with pytest.raises(FileNotFoundError, match=r"looked for lr_baby_3\.\*; 5 of 5 images have none$"):
        Folder(hr, lr, lr_pattern="lr_{name}_{scale}", scale=3).files()


@pytest.mark.parametrize("pattern", ["small", "{name", "{name}_{size}", "{}"])
def test_a_pattern_that_names_no_image_is_refused(pattern):
    with pytest.raises(ValueError, match=r"^data.lr_pattern=.*: pass a pattern with \{name\}"):
        Folder("hr", "lr", lr_pattern=pattern, scale=2)


def test_the_config_gives_the_pattern_and_the_scale(paired):
    words = ["data=folder", f"data.train={paired[0]}", f"data.lr={paired[1]}", "data.lr_pattern='{name}x{scale}'"]
    cfg = compose("train", *words)
    ((source, _),) = build.data(cfg).sources
    assert [low.name for _, low in source.files()] == [f"{high.stem}x2.png" for high, _ in source.files()]


def test_a_pattern_without_partners_is_refused():
    with pytest.raises(ValueError, match=r"^data.lr_pattern={name}_LR is for the files of data.lr"):
        Folder("hr", lr_pattern="{name}_LR", scale=2)
