"""python -m sr.new: the project that it makes passes its own tests, and its runs go on like ours."""

import json
import subprocess
import sys

import pytest

from sr.errors import ExistsError, InputError
from sr.new import __main__ as command
from sr.new.project import TEMPLATE, files, make
from tests.jobs import ONE_PHOTO, ROOT, SMALL, environment, run_script


def test_every_file_of_the_template_is_made_with_the_name_of_the_project(tmp_path):
    folder = make(tmp_path / "deep" / "ownsr")
    made = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    listed = subprocess.run(["git", "ls-files"], cwd=TEMPLATE, capture_output=True, text=True).stdout.split()
    assert made == {name.replace("my_project", "ownsr") for name in listed or map(str, files())} | {".gitignore"}
    assert len(made) > 15
    assert not any("my_project" in file.read_text() for file in folder.rglob("*") if file.is_file())
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    ignored = subprocess.run(["git", "status", "--ignored=matching", "--short"], cwd=folder, capture_output=True, text=True)
    assert "!!" not in ignored.stdout  # the folders called data are its code


def test_what_cannot_be_made_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    for name in ("my-project", "class", "1st", "a b"):
        with pytest.raises(InputError, match="is not a name of a package"):
            make(tmp_path / name)
    for name in ("torch", "sr", "tests"):
        with pytest.raises(InputError, match=f"{name} is the name of a package"):
            make(tmp_path / name)
    (tmp_path / "ownsr").write_text("mine")
    with pytest.raises(ExistsError, match="ownsr exists already: choose another name"):
        make(tmp_path / "ownsr")
    monkeypatch.setattr(sys, "argv", ["sr.new", str(tmp_path / "ownsr")])
    with pytest.raises(SystemExit) as stopped:
        command.main()
    assert stopped.value.code == 1 and capsys.readouterr().err.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["ownsr"] and (tmp_path / "ownsr").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_project_passes_its_own_tests(tmp_path):
    """Among them three steps of training, from the configs of the project."""
    folder = make(tmp_path / "ownsr")
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    variables = environment(tmp_path, PYTHONPATH=str(ROOT))
    done = subprocess.run(words, cwd=folder, env=variables, capture_output=True, text=True, timeout=800)
    assert done.returncode == 0 and "6 passed" in done.stdout, done.stdout


@pytest.mark.slow
def test_its_runs_are_resumed_tested_used_and_reported_like_ours(tmp_path):
    """All commands are called in its folder, as its README says."""
    folder = make(tmp_path / "ownsr")
    small = [word for word in SMALL if not word.startswith("trainer.max_steps")]
    words = ["model=consistent", *small, *ONE_PHOTO, "metric=[psnr]", "data_dir=data", "schedule=constant"]
    words += ["trainer.val_check_interval=2"]

    def run(script, *more):
        done = run_script(script, *more, cwd=folder, PYTHONPATH=str(folder))
        assert done.returncode == 0, done.stderr
        return done

    run("train.py", *words, "trainer.max_steps=4", "output_dir=whole")
    run("train.py", *words, "trainer.max_steps=2", "output_dir=run")
    run("train.py", "resume=run/checkpoints/last.ckpt", "trainer.max_steps=4")
    scores = [json.loads((folder / name / "metrics.json").read_text()) for name in ("whole", "run")]
    assert scores[0] == scores[1] and scores[0]
    tested = run("test.py", "ckpt=run/checkpoints/best.ckpt", "metric=[psnr]", "data_dir=data", "output_dir=scores", *ONE_PHOTO)
    assert "consistent" in tested.stdout
    photo = next((folder / "run" / "images" / "test").glob("*.png"))
    run("predict.py", "ckpt=run/checkpoints/best.ckpt", f"input={photo}", "output=large")
    assert (folder / "large" / photo.name).is_file()
    run("report.py", "runs=[whole,run]", "output=report", "plots=false", "strips=0")
    assert "psnr" in (folder / "report" / "table.md").read_text()
