"""Sweeps: jobs that fail, are killed, go on; several at once."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from sr.cli.words import quoted
from sr.data.source.sample import Sample
from tests.jobs import call, run_script
from tests.sweeps import WORDS, process_of, run_of, start, statuses


def photos(folder: Path) -> None:
    folder.mkdir(parents=True)
    shutil.copy(Sample(held_out=False).files()[0][0], folder)


@pytest.mark.slow
def test_a_failed_and_a_killed_job_leave_the_others_alone_and_only_they_run_again(tmp_path):
    """Two at once; of three jobs one has no photos yet, and one is killed after its first validation."""
    photos(tmp_path / "a")
    photos(tmp_path / "c")
    words = [
        "-m",
        *WORDS,
        "data=folder",
        "data.train=a,b,c",
        "validation=[]",
        "trainer.max_steps=16",
        "trainer.val_check_interval=2",
    ]
    words += ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    a, b, c = (tmp_path / "sweep" / f"{index}_data.train-{name}" for index, name in enumerate("abc"))
    job = start(*words, cwd=tmp_path)
    os.kill(process_of(c), signal.SIGKILL)
    stdout, stderr = job.communicate(timeout=120)
    assert job.returncode == 1, stderr
    assert statuses(tmp_path) == {a.name: "done", b.name: "failed", c.name: "killed by signal 9"}
    table = (tmp_path / "sweep" / "sweep.md").read_text()
    assert table in stdout and "failed: no such folder: b" in table and f"{run_of(a)['score']:.4f}" in table
    assert "2 unfinished; sweep_resume=true" in stderr

    before = (a / "run.json").read_bytes()
    again = run_script("train.py", *words, cwd=tmp_path)
    assert (
        again.returncode == 1
        and again.stderr.startswith("error:")
        and f"{a} is finished: pass sweep_resume=true" in again.stderr
    )

    photos(tmp_path / "b")
    done = run_script("train.py", *words, "sweep_resume=true", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(statuses(tmp_path).values()) == {"done"} and (a / "run.json").read_bytes() == before
    assert run_of(b)["status"] == run_of(c)["status"] == "done"
    assert run_of(c)["resume"] == str(c / "checkpoints" / "last.ckpt")  # from where it was killed
    assert not any(word.startswith("resume=") for word in run_of(b)["command"])


@pytest.mark.slow
def test_a_signal_reaches_the_job_which_saves_its_step_and_the_sweep_lists_what_is_missing(tmp_path):
    words = ["-m", *WORDS, "seed=1,2", "trainer.max_steps=2000", "trainer.val_check_interval=2"]
    job = start(*words, cwd=tmp_path)
    process_of(tmp_path / "sweep" / "0_seed-1")
    job.send_signal(signal.SIGTERM)
    stdout, stderr = job.communicate(timeout=60)
    assert job.returncode == 143 and "stopped at step" in stderr
    assert statuses(tmp_path) == {"0_seed-1": "stopped", "1_seed-2": "not started"}
    assert "job 1/2" in stdout and "job 2/2" not in stdout and "| 1_seed-2 | not started" in stdout


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["sequential", "joblib", "submitit_local"])
def test_two_devices_for_each_job_of_every_launcher(tmp_path, launcher):
    done = call("train.py", "-m", *WORDS, "seed=1,2", "trainer.devices=2", f"hydra/launcher={launcher}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert statuses(tmp_path) == {"0_seed-1": "done", "1_seed-2": "done"}
    for job in ("0_seed-1", "1_seed-2"):
        assert (tmp_path / "sweep" / job / "metrics.json").is_file()
        if launcher != "sequential":
            assert (tmp_path / "sweep" / job / "log.txt").read_text().count("| benchmark") == 1


WRONG = "degradation=[blur,bicubic,blur_anisotropic]"  # fails before torch is imported


@pytest.mark.slow
def test_a_sweep_of_several_scales_runs_and_warns_once(tmp_path):
    done = run_script("train.py", "-m", "model=edsr_baseline,fsrcnn", WRONG, "output_dir=sweep", cwd=tmp_path)
    assert done.returncode == 1 and "job 2/2" in done.stdout
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("warning: "))
    assert "(x2: 0_model-edsr_baseline; x3: 1_model-fsrcnn)" in line and "pass scale=2" in line
    two, three = (tmp_path / "sweep" / "sweep.md").read_text().split("Scale x3")
    assert two.startswith("Scale x2\n") and "fsrcnn" not in two and "edsr_baseline" not in three and "fsrcnn" in three


@pytest.mark.medium
@pytest.mark.parametrize("key, name, works", [("hydra/launcher", "joblib", "joblib"), ("hydra/sweeper", "optuna", "optuna")])
def test_an_override_that_would_have_no_effect_is_one_line(tmp_path, key, name, works):
    (tmp_path / "experiment").mkdir()
    file = tmp_path / "experiment" / "mine.yaml"
    file.write_text(f"# @package _global_\ndefaults:\n  - override /{key}: {name}\n")
    words = ["-m", f"hydra.searchpath=['file://{tmp_path}']", "experiment=mine", "seed=1,2", "output_dir=sweep"]
    done = run_script("train.py", *words, cwd=tmp_path)
    text = "has no effect, because train.yaml overrides it too"
    line = f"error: {file}: 'override /{key}: {name}' {text}: write '- /{key}/{works}'\n"
    assert (done.returncode, done.stderr) == (1, line)


@pytest.mark.parametrize("path", ["/a b/c=d,e", "/it's", "/back\\slash", "/\\'end\\", "/{x}[y]"])
def test_a_path_survives_the_command_line(path):
    assert OverridesParser.create().parse_override(f"resume={quoted(path)}").value() == path
