"""sr/sweep/record.py: the jobs of a sweep, what became of them, and who works in a folder."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sr.sweep.job import Job, Outcome
from sr.sweep.record import Record, alone_in


def test_scales_have_a_table_each(tmp_path):
    record = Record(tmp_path)
    record.add([replace(job(tmp_path / name), scale=2) for name in "ab"], resume=False)
    assert "Scale" not in record.table() and record.table().count("\n") == 3
    record.add([replace(job(tmp_path / "c"), scale=4)], resume=False)
    assert record.table().index("Scale x2") < record.table().index("| b ") < record.table().index("Scale x4")


def job(folder: Path, *words: str) -> Job:
    return Job(script="train.py", folder=str(folder), words=list(words), place=[])


def test_a_record_refuses_to_mix_runs(tmp_path):
    record = Record(tmp_path)
    with pytest.raises(ValueError, match="two jobs have the same folder, .*seed=1 seed=2"):
        record.add([job(tmp_path / "a", "seed=1"), job(tmp_path / "a", "seed=2")], resume=False)
    record.add([job(tmp_path / "a", "seed=1")], resume=False)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "run.json").write_text(json.dumps({"command": ["seed=1"], "status": "done", "score": 30.0}))
    with pytest.raises(ValueError, match="is finished: pass sweep_resume=true"):
        Record(tmp_path).add([job(tmp_path / "a", "seed=1")], resume=False)
    with pytest.raises(ValueError, match="a different command .seed=1 seed=2."):
        Record(tmp_path).add([job(tmp_path / "a", "seed=2")], resume=True)
    Record(tmp_path).add([job(tmp_path / "a", "seed=1")], resume=True)
    Record(tmp_path).add([job(tmp_path / "a", "output_dir=../moved", "seed=1")], resume=True)  # the folder told another way


def test_a_record_keeps_the_jobs_of_earlier_calls(tmp_path):
    for name in "ab":
        record = Record(tmp_path)
        record.add([job(tmp_path / name)], resume=True)
        record.note(Outcome(str(tmp_path / name), "failed", "a | b", None, 3.0))
    assert [row.split("|")[1].strip() for row in (tmp_path / "sweep.md").read_text().splitlines()[2:]] == ["a", "b"]
    assert "failed: a \\| b" in record.table()


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": 1}'])
def test_a_damaged_record_is_one_line_and_a_damaged_run_is_not_done(tmp_path, text):
    (tmp_path / "sweep.json").write_text(text)
    with pytest.raises(ValueError, match=r"sweep.json: not a sweep.json, or truncated: delete it"):
        Record(tmp_path)
    (tmp_path / "run.json").write_text(text)
    assert not job(tmp_path).done


def test_a_job_that_a_killed_sweep_left_behind_holds_its_folder(tmp_path):
    with alone_in(tmp_path) as lock:
        left = subprocess.Popen(["sleep", "30"], pass_fds=[lock])
    with pytest.raises(ValueError, match="is still running there"), alone_in(tmp_path):
        pass
    left.kill()
    left.wait()
    with alone_in(tmp_path):
        pass
