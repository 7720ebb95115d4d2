"""reproduce=RUN_DIR: a run's command again, its numbers to the last digit."""

import json
import shutil

import pytest
import yaml
from omegaconf import OmegaConf

from sr.run import read as read_run
from sr.run import record as run
from sr.run.reproduce import check_code, command_line
from tests.jobs import run_script


@pytest.mark.slow
def test_a_run_is_reproduced_to_the_last_digit(main_job, tmp_path):
    folder = main_job[0]
    done = run_script("train.py", f"reproduce={folder}", "logger=csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "are equal to the last digit" in done.stdout
    (again,) = (tmp_path / "outputs" / "reproduced").iterdir()
    assert (again / "metrics.json").read_bytes() == (folder / "metrics.json").read_bytes()
    assert read_run.read(again)["training"]["steps"] == 8


def test_a_config_that_is_not_the_runs_is_refused(main_job, tmp_path):
    done = run_script(
        "train.py", f"reproduce={main_job[0]}", "logger=csv", "output_dir=out", "trainer.max_steps=4", cwd=tmp_path
    )
    assert done.returncode == 1 and "trainer.max_steps" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.fixture
def then(main_job, tmp_path):
    """The config of a run that is to be reproduced, in a folder that can be spoilt."""
    for name in ("run.json", "config.yaml", "metrics.json"):
        shutil.copy(main_job[0] / name, tmp_path)
    config = OmegaConf.create(yaml.safe_load((tmp_path / "config.yaml").read_text()))
    config.reproduce, config.output_dir = str(tmp_path), str(tmp_path / "again")
    return config


def test_the_data_may_lie_elsewhere(then, tmp_path):
    then.data_dir, then.data.cache_dir, then.data.n_workers = "/elsewhere", "/cache", 3
    check_code(then)
    then.data.patch_size += 1
    with pytest.raises(ValueError, match=r"a different config \(data.patch_size\)"):
        check_code(then)


@pytest.mark.parametrize("text", ["{'a: [1", "[]", None])
@pytest.mark.parametrize("name", ["run.json", "config.yaml", "metrics.json"])
def test_a_spoilt_run_is_refused_before_it_is_trained_again(then, tmp_path, name, text):
    (tmp_path / name).unlink() if text is None else (tmp_path / name).write_text(text)
    with pytest.raises((ValueError, OSError)) as caught:
        check_code(then)
    assert "\n" not in str(caught.value) and name in str(caught.value)


def test_a_run_is_not_written_over_by_its_reproduction(then, tmp_path):
    then.output_dir = str(tmp_path / "." / "again" / "..")
    with pytest.raises(ValueError, match="is the run itself and would be overwritten: choose another"):
        check_code(then)


def test_metrics_that_differ_are_named(main_job, tmp_path, capsys):
    from sr.run.reproduce import compare

    shutil.copy(main_job[0] / "metrics.json", tmp_path)
    results = json.loads((tmp_path / "metrics.json").read_text())
    compare(results, tmp_path)
    results["sample"]["images"]["coffee"]["psnr"] += 1e-9
    compare(results, tmp_path)
    equal, different = capsys.readouterr().out.splitlines()
    assert equal.startswith("reproduced: all 20 numbers")
    assert different.startswith("not reproduced: 1 of 20 numbers differ; the most: sample/images/coffee/psnr")


def test_the_command_of_the_run_with_a_folder_of_its_own(main_job, monkeypatch):
    monkeypatch.setenv("SR_STARTED", "now")
    words = command_line([f"reproduce={main_job[0]}", "logger=csv"])
    assert "output_dir=run" not in words and "output_dir='outputs/reproduced/run_now'" in words
    assert words[-1] == "hydra.mode=RUN" and words.index("trainer.max_steps=8") < words.index("logger=csv")
    assert command_line(["seed=1"]) == ["seed=1"]


def test_run_json_says_what_ran_and_how_it_ended(main_job):
    record = read_run.read(main_job[0])
    assert record["status"] == "done" and record["error"] is None and record["started"] <= record["finished"]
    assert record["command"][0] == "network.n_feats=8" and record["packages"]["torch"]
    assert record["training"]["steps"] == 8 and 0 < record["training"]["seconds"] < 60
    assert 50 < record["training"]["peak_memory_mb"] < 10_000


def test_a_resumed_run_records_each_command_with_its_steps(main_job, tmp_path):
    last = str(main_job[0] / "checkpoints" / "last.ckpt")
    words = [f"resume={last}", "++trainer.max_steps=12", "model=compact"]
    with run.recorded(tmp_path, words, resume=last):
        pass
    first, second = read_run.read(tmp_path)["segments"]
    assert first["command"] == read_run.read(main_job[0])["command"] and (first["from"], first["to"]) == (0, 8)
    assert second["command"] == read_run.read(tmp_path)["command"] == words and (second["from"], second["to"]) == (8, None)
    assert {"commit", "dirty", "device", "threads", "folder", "config_dir"} <= second.keys()


def test_a_failed_run_says_why(tmp_path):
    with pytest.raises(ValueError, match="no such"), run.recorded(tmp_path, ["a=1"], seed=0):
        raise ValueError("no such thing\nand more")
    record = read_run.read(tmp_path)
    assert (record["status"], record["error"]) == ("failed", "no such thing")
    with pytest.raises(SystemExit), run.recorded(tmp_path, ["a=1"], seed=0):
        raise SystemExit(130)
    assert read_run.read(tmp_path)["status"] == "stopped"


@pytest.mark.parametrize(
    "text, message", [("{", "not JSON"), ("[]", "invalid content"), ("{}", "not a run.json"), (None, "no such file")]
)
def test_a_folder_without_a_run(tmp_path, text, message):
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    with pytest.raises((ValueError, OSError), match=message):
        command_line([f"reproduce={tmp_path}"])
