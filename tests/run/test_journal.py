"""train.log: what was printed, warnings, and the error that ended the run."""

import warnings

import pytest

from sr.errors import InputError
from sr.run.journal import journal
from sr.say import warn


def test_it_has_what_was_printed_warnings_and_the_error(tmp_path, capsys):
    shown = warnings.showwarning
    with pytest.warns(UserWarning, match="careful"), pytest.raises(InputError), journal(tmp_path / "run", ["a=1", "b=2"]):
        print("the table")
        warn("careful")
        raise InputError("b=2: choose 1")
    with journal(tmp_path / "run", ["resume=last.ckpt"]):  # is appended
        print("more")
    print("not in it")
    lines = (tmp_path / "run" / "train.log").read_text().splitlines()
    assert lines[0].endswith(" a=1 b=2") and lines[4].endswith(" resume=last.ckpt")
    assert lines[1:4] == ["the table", "warning: careful", "InputError: b=2: choose 1"] and lines[5:] == ["more"]
    assert capsys.readouterr().out == "the table\nmore\nnot in it\n" and warnings.showwarning is shown


def test_what_cannot_be_written_ends_no_run(tmp_path, capsys):
    with journal(tmp_path / "run", ["data.train=\udcff"]):  # a byte of a path that is no UTF-8
        print("the table")
    assert "data.train=\\udcff\nthe table\n" in (tmp_path / "run" / "train.log").read_text()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "train.log").symlink_to("/dev/full")
    with pytest.raises(InputError, match="the cause"), journal(tmp_path / "full"):
        print("the table")
        raise InputError("the cause")
    assert capsys.readouterr().out.endswith("the table\n")
