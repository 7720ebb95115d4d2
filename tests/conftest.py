"""Fixtures that every room's tests share."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.jobs import SMALL, run_script

# One thread a process, those that tests start included: the last bit of a sum depends on the number of threads, and the
# tests that compare runs bit by bit start some in this process and some in others.
os.environ["OMP_NUM_THREADS"] = "1"

# A shell that starts a job in the background has it ignore Ctrl-C, which some tests send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent


WHOLE_RUNS = {"main_job", "best", "study", "made", "changed", "streams"}  # fixtures that train for seconds


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of whole runs are not fast: each process of the tests has to make the runs first."""
    for item in items:
        if WHOLE_RUNS & set(item.fixturenames):
            item.add_marker("medium")


@pytest.fixture(scope="session")
def sr_data() -> Path:
    """Folder with real benchmark images and official weights; tests that need it skip where it is not."""
    folder = Path(os.environ.get("SR_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no data folder {folder}: set SR_DATA to one in the EDSR layout (benchmark/Set5/HR ...)")
    return folder


@pytest.fixture(scope="session")
def main_job(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """(folder, what it said) of one small run of the command line with every logger."""
    folder = tmp_path_factory.mktemp("main")
    words = [*SMALL[:-1], "logger=[wandb,tensorboard]", "data_dir=data", "output_dir=run"]
    return folder / "run", run_script("train.py", *words, cwd=folder)


@pytest.fixture(scope="session")
def best(main_job) -> Path:
    """The best checkpoint of that run."""
    return main_job[0] / "checkpoints" / "best.ckpt"
