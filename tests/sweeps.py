"""What the tests of sweeps share."""

import json
import subprocess
import time
from pathlib import Path

from sr.cli.words import quoted
from tests.jobs import ONE_PHOTO, SMALL, command, environment

WORDS = (*SMALL, *ONE_PHOTO, "data_dir=data", "output_dir=sweep", "callback=[checkpoint,interrupt]")


def statuses(folder: Path) -> dict[str, str]:
    return {name: entry["status"] for name, entry in json.loads((folder / "sweep" / "sweep.json").read_text()).items()}


def run_of(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())


def process_of(folder: Path) -> int:
    """The process of the run in a folder, as soon as it has written last.ckpt."""
    end = time.monotonic() + 90
    while not (folder / "checkpoints" / "last.ckpt").is_file():
        assert time.monotonic() < end, f"no checkpoint in {folder}"
        time.sleep(0.05)
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_text().split("\0")
        except OSError:
            continue
        if f"hydra.run.dir={quoted(str(folder))}" in words:
            return int(entry.name)
    raise AssertionError(f"no process for {folder}")


def start(*words: str, cwd: Path, **variables: str) -> subprocess.Popen:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command("train.py", *words), cwd=cwd, env=environment(cwd, **variables), **pipes)
