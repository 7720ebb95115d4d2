"""Fixtures that every room's tests share."""

import gc
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import absl.logging
import pytest
from filelock import FileLock

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


def pytest_configure() -> None:
    """absl, which OpenVINO imports, closes the stream of its handler if that is not the process's own: pytest's file of what is
    printed, when a later test configures logging."""
    absl.logging.get_absl_handler().python_handler.setStream(sys.__stderr__)


def pytest_collection_finish() -> None:
    """What was imported and collected stays: the garbage collector need not look at those million objects again."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    gc.unfreeze()  # else some libraries say at the end that their objects leaked


@pytest.fixture(scope="session")
def sr_data() -> Path:
    """Folder with real benchmark images and official weights; tests that need it skip where it is not."""
    folder = Path(os.environ.get("SR_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no data folder {folder}: set SR_DATA to one in the EDSR layout (benchmark/Set5/HR ...)")
    return folder


@pytest.fixture(scope="session")
def once(tmp_path_factory) -> Callable[[str, Callable[[Path], Any]], tuple[Path, Any]]:
    """once(name, make): a folder, and what make(folder) returned when the first of all test processes called it."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # above the folders of the workers

    def made(name: str, make: Callable[[Path], Any]) -> tuple[Path, Any]:
        folder, returned = base / name, base / f"{name}.pickle"
        with FileLock(f"{folder}.lock"):
            if not returned.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a process that failed
                folder.mkdir()
                returned.write_bytes(pickle.dumps(make(folder)))
        return folder, pickle.loads(returned.read_bytes())

    return made


@pytest.fixture(scope="session")
def main_job(once) -> tuple[Path, subprocess.CompletedProcess]:
    """(folder, what it said) of one small run of the command line with every logger."""
    words = [*SMALL[:-1], "logger=[wandb,tensorboard]", "data_dir=data", "output_dir=run"]
    folder, done = once("main", lambda folder: run_script("train.py", *words, cwd=folder))
    return folder / "run", done


@pytest.fixture(scope="session")
def best(main_job) -> Path:
    """The best checkpoint of that run."""
    return main_job[0] / "checkpoints" / "best.ckpt"
