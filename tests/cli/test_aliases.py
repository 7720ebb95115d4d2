"""What was written before classes moved still works: tests/before holds a run and a sweep of that time."""

import importlib
import shutil
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

import sr
from sr import build
from sr.cli import aliases
from tests.jobs import run_script

BEFORE = Path(__file__).parents[1] / "before"
SHORT = ("trainer.limit_val_batches=1", "trainer.limit_test_batches=1")


@pytest.mark.parametrize("old", aliases.MOVED)
def test_every_old_name_leads_somewhere(old):
    with pytest.raises((ImportError, AttributeError)):
        _found(old)
    _found(aliases.MOVED[old])


def _found(name: str) -> object:
    try:
        return importlib.import_module(name)
    except ImportError:
        module, _, attribute = name.rpartition(".")
        return getattr(importlib.import_module(module), attribute)


def test_an_old_checkpoint_loads():
    file = BEFORE / "run" / "checkpoints" / "last.ckpt"
    stored = torch.load(file, weights_only=True)
    assert "sr.model.schedule." in str(stored["sr"]["config"])  # else there is nothing to rename
    network = sr.load(file)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, stored["state_dict"][f"average.module.{name}"])


@pytest.mark.medium
def test_an_old_checkpoint_is_tested(tmp_path):
    done = run_script("test.py", f"ckpt={BEFORE}/run/checkpoints/best.ckpt", SHORT[1], "output_dir=scores", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "sample (1)" in done.stdout and "srcnn_915" in done.stdout


@pytest.mark.medium
def test_an_old_run_is_resumed(tmp_path):
    shutil.copytree(BEFORE / "run", tmp_path / "run")
    words = ["resume=run/checkpoints/last.ckpt", "trainer.max_steps=6", "output_dir=run", *SHORT]
    done = run_script("train.py", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 6
    assert "sr.schedule.curves." in (tmp_path / "run" / "config.yaml").read_text()


@pytest.mark.slow
def test_an_old_sweep_is_reported(tmp_path):
    done = run_script("report.py", f"runs={BEFORE}/sweep", "output=report", "latency=null", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 seeds" in done.stdout or "9.5" in done.stdout
    assert (tmp_path / "report" / "report.html").is_file()


def test_an_old_name_in_a_yaml_is_one_line():
    node = OmegaConf.create({"parts": [{"_target_": "sr.data.sample.Sample", "held_out": True}]})
    with pytest.warns(UserWarning, match="sr.data.sample.Sample is now sr.data.source.sample.Sample"):
        (source,) = build.build(node)["parts"]
    assert len(source.files()) == 3
