"""A project of one's own, outside this repository: its configs and packages, and the commands of an installed package."""

import json
import shutil
import subprocess
import sys

import pytest

from sr.cli.groups import CONF
from sr.cli.project import with_project
from tests.jobs import ONE_PHOTO, ROOT, SMALL, environment, run_script

NETWORK = "_target_: ournets.tiny.Tiny\nscale: ${scale}\n"
WORDS = [*(word for word in SMALL if not word.startswith("network.")), *ONE_PHOTO, "network=mine", "output_dir=run"]
CODE = """from sr.network.compact import Compact


class Tiny(Compact):
    def __init__(self, *, scale):
        super().__init__(scale=scale, n_feats=4, n_blocks=1)
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "conf" / "network").mkdir(parents=True)
    (tmp_path / "conf" / "network" / "mine.yaml").write_text(NETWORK)
    (tmp_path / "ournets").mkdir()
    (tmp_path / "ournets" / "tiny.py").write_text(CODE)
    return tmp_path


def test_the_folder_conf_of_the_current_folder_is_used_and_said(project, monkeypatch, capsys):
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.chdir(project)
    assert with_project(["network=mine"]) == [f"--config-dir={project}/conf", "network=mine"]
    assert sys.path[-1] == str(project) and f"configs of this folder are used too: {project}/conf" in capsys.readouterr().err
    assert with_project(["--config-dir", "other", "a=1"]) == ["--config-dir", "other", "a=1"]  # what is typed, alone
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert with_project([])[0].startswith("--config-dir=") and not capsys.readouterr().err
    (project / "conf" / "network" / "mine.yaml").rename(project / "conf" / "mine.yaml")
    assert with_project(["a=1"]) == ["a=1"]  # a folder of another program
    monkeypatch.chdir(CONF.parent)
    assert with_project(["a=1"]) == ["a=1"]


@pytest.mark.slow
def test_it_trains_resumes_and_is_tested_like_ours(project):
    """The scripts of this repository, called in the project's folder."""
    done = run_script("train.py", *WORDS, "trainer.max_steps=2", cwd=project)
    assert done.returncode == 0, done.stderr
    more = run_script("train.py", "resume=run/checkpoints/last.ckpt", "trainer.max_steps=3", "data_dir=data", cwd=project)
    assert more.returncode == 0, more.stderr
    tested = run_script("test.py", "ckpt=run/checkpoints/best.ckpt", "data_dir=data", "output_dir=scores", cwd=project)
    assert tested.returncode == 0 and "mine" in tested.stdout, tested.stderr


@pytest.mark.slow
def test_the_installed_commands_in_another_folder(project):
    """From a wheel without this clone: all configs are in it, and a folder in someone's repository has no commit of ours."""
    place, clone = project / "installed", project / "clone"
    for folder in ("sr", "conf", "hydra_plugins"):
        shutil.copytree(ROOT / folder, clone / folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, clone)
    for words in (
        ["git", "init", "-q", str(project)],
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", str(place), str(clone)],
    ):
        subprocess.run(words, check=True, capture_output=True, timeout=200)
    ours = {file.relative_to(ROOT / "conf") for file in (ROOT / "conf").rglob("*.yaml")}
    assert {file.relative_to(place / "sr" / "conf") for file in (place / "sr" / "conf").rglob("*.yaml")} == ours
    assert not {path.name for path in place.iterdir()} & {"train.py", "test.py", "predict.py", "report.py", "export.py"}
    run = [sys.executable, str(place / "bin" / "sr-train"), *WORDS, "trainer.max_steps=2"]
    variables = environment(project, PYTHONPATH=str(place))
    done = subprocess.run(run, cwd=project, env=variables, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert json.loads((project / "run" / "run.json").read_text())["commit"] is None
