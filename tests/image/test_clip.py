"""Clips on disk: the order of frames, what is found in a folder, and what is refused."""

from itertools import islice

import numpy as np
import pytest
from PIL import Image

from sr.errors import InputError, MissingError
from sr.image import clip
from sr.image.kind import PHOTO
from tests.clips import moving, write_frames, write_video


def test_numbers_in_names_are_numbers(tmp_path):
    frames = moving("chelsea", 12)
    folder = write_frames(tmp_path / "a", frames)
    assert [file.stem for file in clip.frame_files(folder)] == [str(number) for number in range(12)]
    assert np.array_equal(np.stack(list(clip.frames(folder, PHOTO))), frames)


def test_a_lossless_video_is_its_frames(tmp_path):
    frames = moving("ihc", 5)
    file = write_video(tmp_path / "a.mkv", frames)
    assert np.array_equal(np.stack(list(clip.frames(file, PHOTO))), frames)
    assert clip.facts(file)[1:] == (40, 48)


def test_every_folder_with_images_and_every_video_is_a_clip(tmp_path):
    write_frames(tmp_path / "x" / "one", moving("chelsea", 2))
    write_frames(tmp_path / "two", moving("chelsea", 3))
    write_video(tmp_path / "x" / "three.mkv", moving("ihc", 2))
    (tmp_path / "x" / "notes.txt").write_text("no clip")
    assert [one.relative_to(tmp_path).as_posix() for one in clip.found(tmp_path, "data.train")] == [
        "two",
        "x/one",
        "x/three.mkv",
    ]


def test_what_is_no_clip_is_one_line(tmp_path):
    with pytest.raises(MissingError, match="^data.train: no such folder or video file: .*/none"):
        clip.found(tmp_path / "none", "data.train")
    with pytest.raises(MissingError, match="^data.train: no clips in .*: looked for folders of frames and for .mp4"):
        clip.found(tmp_path, "data.train")
    write_frames(tmp_path / "one", moving("chelsea", 1))
    with pytest.raises(InputError, match=r"one: one picture \(0.png\) in a folder of frames: a clip needs 2 or more"):
        clip.found(tmp_path, "data.train")
    with pytest.raises(InputError, match="^data.train=.*0.png is one picture, not a clip"):
        clip.found(tmp_path / "one" / "0.png", "data.train")


def test_frames_of_different_sizes_are_one_line(tmp_path):
    folder = write_frames(tmp_path / "a", moving("chelsea", 3))
    Image.fromarray(moving("chelsea", 1, 40, 50)[0]).save(folder / "1.png")
    says = "a/1.png: 40x50 pixels, but the first frame of the clip has 40x48: .*pass data=folder"
    for look in (lambda: clip.check(folder), lambda: list(clip.frames(folder, PHOTO))):
        with pytest.raises(InputError, match=says):
            look()


def test_a_clip_that_changes_has_another_state(tmp_path):
    folder = write_frames(tmp_path / "a", moving("chelsea", 3))
    before = clip.state(folder)
    Image.fromarray(moving("ihc", 1)[0]).save(folder / "2.png")
    assert clip.state(folder) != before


def test_a_damaged_frame_stops_or_ends_the_clip(tmp_path):
    folder = write_frames(tmp_path / "a", moving("chelsea", 5))
    (folder / "3.png").write_bytes((folder / "3.png").read_bytes()[:500])
    with pytest.raises(InputError, match="a/3.png"):
        list(clip.frames(folder, PHOTO))
    kept: list[str] = []
    assert len(list(clip.frames(folder, PHOTO, kept))) == 3 and "end early" in kept[0]
    assert len(list(islice(clip.frames(folder, PHOTO), 3))) == 3  # what comes after the frames that are used does not matter
