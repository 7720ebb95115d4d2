"""sr/run/read.py: whoever reads a run's files reads them alike, and says the same of a damaged one."""

import re

import pytest

from sr.errors import InputError, MissingError, StorageError
from sr.report import runs
from sr.run import read as read_run
from sr.run.reproduce import command_line
from sr.sweep.job import Job
from tests.jobs import ROOT

DAMAGED = [
    ("{", "not JSON, or truncated"),
    ("[1]", "invalid content"),
    ('{"command": 1}', "invalid value of command"),
    ("[" * 100_000, "not JSON, or truncated"),
    ("\udcff", "not JSON, or truncated"),
]


@pytest.mark.parametrize("text, message", DAMAGED)
def test_every_reader_says_the_same_of_a_damaged_record(tmp_path, text, message):
    file = tmp_path / "run.json"
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InputError, match=f"^{re.escape(f'{file}: {message}')}$"):
        read_run.read(tmp_path)
    with pytest.raises(InputError, match=f"^{re.escape(f'{file}: {message}')}$"):
        command_line([f"reproduce={tmp_path}"])
    assert read_run.known(tmp_path) == {} and not Job("train.py", str(tmp_path), [], []).done
    expected = "unfinished: no metrics.json" if "command" in message else f"run.json: {message}"
    assert runs.read(tmp_path).problem == expected  # a report needs no command


def test_what_cannot_be_read_at_all(tmp_path):
    with pytest.raises(MissingError, match=f"^{tmp_path}/run.json: no such file; a finished run of train.py has one$"):
        read_run.read(tmp_path)
    (tmp_path / "run.json").mkdir()
    with pytest.raises(StorageError, match="run.json: Is a directory"):
        read_run.read(tmp_path)
    assert read_run.known(tmp_path) == {}


def test_one_file_parses_them():
    """No other file of sr/ decodes run.json, metrics.json or the config.yaml of a run."""
    parsing = re.compile(
        r"(?:json\.loads?|yaml\.safe_load|OmegaConf\.load)\([^\n]*(?:run\.json|metrics\.json|config\.yaml|config\.read)"
    )
    found = [str(file) for file in (ROOT / "sr").rglob("*.py") if parsing.search(file.read_text(encoding="utf-8"))]
    assert found == []
