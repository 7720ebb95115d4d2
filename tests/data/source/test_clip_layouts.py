"""The layouts of REDS and Vimeo-90K, and clips that are given as pictures."""

import numpy as np
import pytest

from sr.data.source.folder import Folder, images
from sr.data.source.reds import REDS4, Reds
from sr.data.source.vimeo90k import Vimeo90K
from sr.errors import InputError, MissingError
from tests.clips import moving, write_frames, write_video


@pytest.fixture
def reds(tmp_path):
    frames = moving("chelsea", 2, 16, 16)
    for name in ("000", "001", "011", "015", "020"):
        write_frames(tmp_path / "train_sharp" / name, frames)
        write_frames(tmp_path / "train_sharp_bicubic" / "X4" / name, frames[:, ::4, ::4])
    for name in ("000", "001"):
        write_frames(tmp_path / "val_sharp" / name, frames)
        write_frames(tmp_path / "val_sharp_bicubic" / "X4" / name, frames[:, ::4, ::4])
    return tmp_path


def names(pairs) -> list[str]:
    return [f"{hr.parent.name}/{hr.name}" for hr, _ in pairs]


def test_reds4_is_held_out_of_all_clips(reds):
    source = Reds(reds)
    source.prepare()
    assert names(source.validation()) == [f"train_sharp/{name}" for name in REDS4]
    trained = set(names(source.files())) - set(names(source.validation()))
    assert trained == {"train_sharp/001", "val_sharp/000", "val_sharp/001"}
    assert all(lr is None for _, lr in source.files())


def test_the_official_split_holds_out_val_sharp(reds):
    source = Reds(reds, held="official", paired_lr=True)
    assert names(source.validation()) == ["val_sharp/000", "val_sharp/001"]
    assert [(lr.parent.name, lr.parents[1].name) for _, lr in source.validation()] == [("X4", "val_sharp_bicubic")] * 2
    with pytest.raises(InputError, match="^data.train.held=val: choose reds4 or official"):
        Reds(reds, held="val")


def test_without_the_clips_of_reds4_it_stops(tmp_path):
    write_frames(tmp_path / "train_sharp" / "000", moving("chelsea", 2, 16, 16))
    with pytest.raises(MissingError, match="only 1 of the clips 000, 011, 015, 020 of REDS4 are there"):
        Reds(tmp_path).prepare()


def test_vimeo90k_follows_its_lists(tmp_path):
    for name in ("00001/0001", "00001/0002", "00002/0007"):
        write_frames(tmp_path / "sequences" / name, moving("chelsea", 7, 16, 16), 1)
    (tmp_path / "sep_trainlist.txt").write_text("00001/0001\n00002/0007\n\n")
    (tmp_path / "sep_testlist.txt").write_text("00001/0002\n00003/0001\n")
    source = Vimeo90K(tmp_path)
    source.prepare()
    assert [hr.relative_to(source.root).as_posix() for hr, _ in source.files()] == ["00001/0001", "00002/0007"]
    with pytest.raises(MissingError, match="00003/0001: 1 of 2 septuplets of sep_testlist.txt are missing"):
        Vimeo90K(tmp_path, "test").prepare()
    with pytest.raises(MissingError, match="no such file: .*/none/sep_trainlist.txt"):
        Vimeo90K(tmp_path / "none").files()


def test_clips_as_pictures_are_reported(tmp_path, recwarn):
    write_video(tmp_path / "a" / "x.mkv", moving("ihc", 2)) if (tmp_path / "a").mkdir() is None else None
    with pytest.raises(MissingError, match="no images in .*; found 1 .mkv; for clips pass data=clips"):
        images(tmp_path / "a")
    for name in ("one", "two"):
        write_frames(tmp_path / "b" / name, np.repeat(moving("chelsea", 1, 16, 16), 6, 0))
    with pytest.warns(UserWarning, match="looks like the frames of 2 clips: data=clips trains on clips"):
        Folder(tmp_path / "b").prepare()
    (tmp_path / "b" / "one" / "3.png").unlink()  # photographs have gaps in their numbers
    recwarn.clear()
    Folder(tmp_path / "b").prepare()
    assert not recwarn
