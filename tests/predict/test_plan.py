"""sr/predict/plan.py: which file becomes which, and what is refused."""

from pathlib import Path

import pytest
from PIL import Image

from sr.predict.plan import plan


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.JPG", "trip/c.tif", "trip/deep/d.webp", "notes.txt", ".hidden.png", "e[1].png"):
        file = tmp_path / "photos" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return Path("photos")


def names(pairs):
    return {str(source): str(target) for source, target in pairs}


def test_folder_keeps_its_folders(photos):
    assert names(plan("photos", "out")) == {
        "photos/a.png": "out/a.png",
        "photos/b.JPG": "out/b.JPG",
        "photos/e[1].png": "out/e[1].png",
        "photos/trip/c.tif": "out/trip/c.tif",
        "photos/trip/deep/d.webp": "out/trip/deep/d.webp",
    }


def test_format_and_suffix(photos):
    assert names(plan("photos/trip/", "out/", format="png", suffix="_x4")) == {
        "photos/trip/c.tif": "out/c_x4.png",
        "photos/trip/deep/d.webp": "out/deep/d_x4.png",
    }


def test_one_file(photos):
    assert names(plan("photos/a.png", "out")) == {"photos/a.png": "out/a.png"}
    assert names(plan("photos/a.png", "large.jpg")) == {"photos/a.png": "large.jpg"}
    assert names(plan("photos/a.png", "photos", suffix="_x2")) == {"photos/a.png": "photos/a_x2.png"}
    assert names(plan("photos/e[1].png", "out")) == {"photos/e[1].png": "out/e[1].png"}


def test_patterns(photos):
    assert list(names(plan("photos/*.png", "out")).values()) == ["out/a.png", "out/e[1].png"]
    assert names(plan("photos/**/[cd].*", "out")) == {
        "photos/trip/c.tif": "out/trip/c.tif",
        "photos/trip/deep/d.webp": "out/trip/deep/d.webp",
    }
    assert len(plan("photos/*", "out")) == 3  # no folders, no notes.txt


def test_results_below_the_input_are_not_inputs_again(photos):
    first = plan("photos", "photos/up")
    (photos / "up").mkdir()
    (photos / "up" / "a.png").touch()
    assert plan("photos", "photos/up") == first


@pytest.mark.parametrize(
    "source, target, options, message",
    [
        ("photos", "photos", {}, "is the input folder"),
        ("photos", "photos/trip/..", {"suffix": "_x4"}, "is the input folder"),
        ("photos/*.png", "photos", {}, "is the input folder"),
        ("photos/a.png", "photos", {}, "would overwrite an input"),
        ("photos/a.png", "photos/a.png", {}, "would overwrite an input"),
        ("photos", "photos/a.png", {}, "is a file: pass a folder"),
        ("photos", "out", {"format": "gif"}, "format=gif: choose one of png, jpg"),
        ("photos", "out", {"suffix": "/x"}, "suffix=/x"),
        ("photos/a.png", "b.png", {"format": "jpg"}, "is a file name: remove format and suffix"),
        ("photos/notes.txt", "out", {}, "photos/notes.txt: cannot be read as an image (an empty file)"),
        ("photos/a.png", "large.gif", {}, "output=large.gif: .gif cannot be written: choose one of .png"),
        (
            "photos/a.png",
            "out/a.nii.gz",
            {},
            "names a volume, but the network is for pictures: choose one of .png",
        ),
        ("photos", "out/large.mp4", {}, "output=out/large.mp4 names a video, but the results of pictures are pictures"),
        ("photos/a.png", "out/large.MKV", {}, "names a video"),
        ("photos/a.png", "out/large.jp2", {"format": "png"}, ".jp2 cannot be written"),
    ],
)
def test_refused(photos, source, target, options, message):
    with pytest.raises(ValueError) as caught:
        plan(source, target, **options)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_folder_with_a_dot(photos):
    assert names(plan("photos/a.png", "results_v1.2")) == {"photos/a.png": "results_v1.2/a.png"}


def test_two_inputs_for_one_result(photos):
    (photos / "a.jpg").touch()
    assert len(plan("photos", "out")) == 6
    with pytest.raises(ValueError, match=r"photos/a\.jpg and photos/a\.png would both become out/a\.png"):
        plan("photos", "out", format="png")


@pytest.mark.parametrize("source", ["nothing", "photos/*.bmp", "photos/empty"])
def test_nothing_there(photos, source):
    (photos / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no such file, or no readable images"):
        plan(source, "out")


def test_what_cannot_be_written_in_its_format_becomes_png(photos):
    for name in ("a.gif", "trip/f.jp2", "g.JFIF"):
        (photos / name).touch()
    with pytest.warns(UserWarning, match=r"results become \.png, because these formats cannot be written: 1 \.gif, 1 \.jp2$"):
        planned = names(plan("photos", "out", suffix="_x2"))
    assert planned["photos/a.png"] == "out/a_x2.png" and planned["photos/a.gif"] == "out/a.gif_x2.png"
    assert planned["photos/trip/f.jp2"] == "out/trip/f_x2.png" and planned["photos/g.JFIF"] == "out/g_x2.JFIF"
    assert names(plan("photos/a.gif", "out", format="jpg")) == {"photos/a.gif": "out/a.jpg"}


def test_an_image_whose_name_tells_nothing(photos):
    Image.new("RGB", (3, 4)).save(photos / "b", format="JPEG")
    with pytest.warns(UserWarning, match=r"cannot be written: 1 b$"):
        assert names(plan("photos/b", "out")) == {"photos/b": "out/b.png"}


def test_a_list_of_files_folders_and_patterns(photos):
    assert names(plan(["photos/a.png", "photos/trip", "photos/*.JPG"], "out")) == {
        "photos/a.png": "out/a.png",
        "photos/trip/c.tif": "out/c.tif",
        "photos/trip/deep/d.webp": "out/deep/d.webp",
        "photos/b.JPG": "out/b.JPG",
    }
    assert names(plan(["photos/a.png"], "a_x4.png")) == {"photos/a.png": "a_x4.png"}
    Path("other").mkdir()
    Path("other/a.png").touch()
    for source, target, line in (
        (["photos/a.png", "other/a.png"], "out", "would both become out/a.png"),
        (["photos/a.png", "photos/b.JPG"], "both.png", "output=both.png is a file: pass a folder"),
        (["photos/a.png", "none.png"], "out", "none.png: no such file"),
        ([], "out", "pass a file, a folder, a pattern in quotes, or a list"),
        ([2023, "a.png"], "out", "pass a file, a folder"),
    ):
        with pytest.raises((ValueError, OSError), match=line):
            plan(source, target)
