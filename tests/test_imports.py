"""What a run does not use is not imported."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.jobs import ONE_PHOTO, ROOT, SMALL, environment

HEAVY = ("wandb", "spandrel", "kornia", "matplotlib", "torchvision", "scipy", "tensorboard")
RUN = f"""
import runpy, sys
sys.argv[0] = "train.py"
runpy.run_path({str(ROOT / "train.py")!r}, run_name="__main__")
print("imported:", *[name for name in {HEAVY} if name in sys.modules])
"""
LIGHTNING = f"""
import pytorch_lightning, sys, torch
print("imported:", *[name for name in {HEAVY} if name in sys.modules])
"""


def imported(code: str, *words: str, folder: Path) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=folder, env=environment(folder)
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.slow
def test_a_plain_run_imports_nothing_that_it_does_not_use(tmp_path):
    """Lightning imports some of them by itself, for metrics of its own."""
    words = [*SMALL, *ONE_PHOTO, "trainer.max_steps=1", "data_dir=data", "output_dir=run"]
    by_lightning = imported(LIGHTNING, folder=tmp_path)
    assert not {"wandb", "spandrel", "kornia", "tensorboard"} & by_lightning
    assert imported(RUN, *words, folder=tmp_path) <= by_lightning
