"""reproduce= of a run that was resumed with other words: its parts again, one after the other, to the last digit."""

import json
import shutil
import signal

import pytest
import torch

from sr.run import history
from sr.run import read as read_run
from sr.run.replay import check_words
from sr.run.reproduce import command_line
from tests.jobs import ONE_PHOTO, SMALL, run_script
from tests.run.test_resume import start, wait_for

pytestmark = pytest.mark.slow  # seconds each; the weekly tests run them

WORDS = (*SMALL, *ONE_PHOTO, "callback=[checkpoint,log,interrupt]", "data_dir=data")


def segments(folder) -> list[dict]:
    return read_run.read(folder)["segments"]


def equal(done, folder, again) -> None:
    assert done.returncode == 0, done.stderr
    assert "are equal to the last digit" in done.stdout, done.stdout
    assert (again / "metrics.json").read_bytes() == (folder / "metrics.json").read_bytes()
    a, b = (torch.load(run_ / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"] for run_ in (folder, again))
    assert all(torch.equal(a[key], b[key]) for key in a)


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """A run that was killed beyond its checkpoint of step 4, and went on with another learning rate."""
    folder = tmp_path_factory.mktemp("changed")
    job = start(folder, "output_dir=run", "trainer.max_steps=100000", "schedule.max_steps=12", recipe=WORDS)
    wait_for((folder / "run" / "checkpoints" / "last.ckpt").is_file, job)
    job.send_signal(signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL
    job.stderr.close()
    resume = "resume=run/checkpoints/last.ckpt"
    done = run_script("train.py", resume, "optimizer.lr=2e-4", "trainer.max_steps=12", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "run"


@pytest.mark.slow
def test_a_killed_run_that_went_on_with_another_learning_rate_is_reproduced(changed, tmp_path):
    first, second = segments(changed)
    assert first["command"][: len(WORDS)] == list(WORDS) and first["from"] == 0 and first["to"] == second["from"]
    assert first["to"] % 4 == 0 and second["to"] == 12 and "++optimizer.lr=2e-4" in second["command"]
    again = tmp_path / "again"
    done = run_script("train.py", f"reproduce={changed}", f"output_dir={again}", cwd=changed.parent)
    equal(done, changed, again)
    assert [(one["from"], one["to"]) for one in segments(again)] == [(one["from"], one["to"]) for one in (first, second)]


@pytest.mark.slow
def test_its_command_in_one_go_gives_other_numbers(changed, tmp_path):
    """What run.json recorded before: else the test above would show nothing."""
    first, second = segments(changed)
    words = [*history.changes(first), *(word for word in history.changes(second) if not word.startswith("model="))]
    done = run_script("train.py", *words, f"output_dir={tmp_path}/merged", cwd=changed.parent)
    assert done.returncode == 0, done.stderr
    merged = json.loads((tmp_path / "merged" / "metrics.json").read_text())
    assert merged["sample"]["psnr"] != json.loads((changed / "metrics.json").read_text())["sample"]["psnr"]


def test_other_words_are_refused_before_anything_is_trained(changed, tmp_path):
    done = run_script("train.py", f"reproduce={changed}", "optimizer.lr=1", "output_dir=again", cwd=tmp_path)
    assert done.returncode == 1 and "cannot change optimizer.lr=1, because that run was resumed" in done.stderr
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "again").exists()


@pytest.mark.parametrize(
    "word",
    ["+callback.x={_target_: os.system}", "loss.l1._target_=subprocess.call", "hydra.searchpath=[file:///x]", "--config-dir=x"],
)
def test_a_record_from_a_stranger_runs_nothing(changed, tmp_path, word):
    record = read_run.read(changed)
    record["segments"][0]["command"].append(word)
    (tmp_path / "run.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match="nothing was run"):
        command_line([f"reproduce={tmp_path}", "output_dir=x"])


def test_an_older_record(changed, tmp_path):
    """Of a run that was never resumed its command is enough; of a resumed one nobody knows what made it."""
    record = {key: value for key, value in read_run.read(changed).items() if key != "segments"}
    with pytest.raises(ValueError, match=r"run.json: the run was resumed by an older version that did not record how"):
        history.of_record(record, tmp_path)
    old = {**record, "resume": None, "command": ["seed=1"]}
    (one,) = history.of_record(old, tmp_path)
    assert (one["command"], one["from"]) == (["seed=1"], 0)
    shutil.copytree(changed, tmp_path / "run")
    content = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    del content["sr"]["segments"]
    torch.save(content, tmp_path / "run" / "checkpoints" / "last.ckpt")
    last = str(tmp_path / "run" / "checkpoints" / "last.ckpt")
    assert history.before(last, record) is None
    (one,) = history.before(last, old)
    assert (one["command"], one["to"]) == (["seed=1"], 12)


def test_a_checkpoint_knows_its_own_past(changed):
    """Not run.json, which may be of a later or an abandoned part of the run."""
    carried = torch.load(changed / "checkpoints" / "last.ckpt", weights_only=True)["sr"]["segments"]
    assert [one["command"] for one in carried] == [one["command"] for one in segments(changed)]
    assert history.before(str(changed / "checkpoints" / "last.ckpt"))[-1]["to"] == 12


def test_parts_without_a_change_are_one(tmp_path):
    first = history.begun([], ["seed=1", "output_dir=a"], tmp_path, threads=1)
    first[-1]["to"] = 5
    same = history.begun(first, ["resume=a/checkpoints/last.ckpt", "output_dir=a", "model=compact"], tmp_path, threads=1)
    same[-1]["to"] = 9
    other = history.begun(same, ["resume=a/checkpoints/last.ckpt", "optimizer.lr=1"], tmp_path, threads=1)
    joined = history.of_record({"command": [], "segments": other}, tmp_path)
    assert [(one["from"], one["to"]) for one in joined] == [(0, 9), (9, None)]
    check_words(joined, str(tmp_path), [], [])
