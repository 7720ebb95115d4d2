"""run.json: command, code, device and outcome of a run. code.diff: its uncommitted changes."""

import json
import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.utilities import rank_zero_only

from sr.files import run_of, whole
from sr.run import history
from sr.run.read import known

ROOT = Path(__file__).resolve().parent.parent.parent


class Run:
    """The content of run.json in `folder`, rewritten whenever it changes, by the first process only."""

    def __init__(self, folder: str | Path, **facts: Any) -> None:
        self.folder, self.facts = Path(folder), facts

    @rank_zero_only
    def begin(self, config_dir: Sequence[str] = ()) -> None:
        """Write the first run.json, and code.diff."""
        resume = self.facts["resume"]
        earlier = history.before(resume, known(run_of(resume)) or None if resume else None)
        code, here = _code(self.folder), machine()
        facts = {"config_dir": list(config_dir), **code, **{key: here[key] for key in ("device", "threads")}}
        self.update(segments=history.begun(earlier, self.facts["command"], self.folder, **facts), **code, **here)

    @rank_zero_only
    def update(self, **facts: Any) -> None:
        self.facts |= facts
        if "training" in facts and self.facts.get("segments"):
            self.facts["segments"][-1]["to"] = facts["training"]["steps"]
        with whole(self.folder / "run.json") as temporary:
            temporary.write_text(json.dumps(self.facts, indent=1) + "\n")


@contextmanager
def recorded(
    folder: str | Path, words: list[str], *, resume: str | None = None, config_dir: Sequence[str] = (), **facts: Any
) -> Iterator[Run]:
    """A run.json with status "running", which becomes "done", "stopped" (Ctrl-C, a signal, pruned) or "failed".

    Args:
        words: overrides of the command line.
        resume: the checkpoint from which the run resumes; its segments (see sr/run/history.py) come before this command's.
        config_dir: folders of --config-dir.
    """
    run = Run(folder, command=words, resume=resume, **facts, status="running", error=None, started=_now(), finished=None)
    run.begin(config_dir)
    try:
        yield run
    except (KeyboardInterrupt, SystemExit):
        run.update(status="stopped", finished=_now())
        raise
    except Exception as error:
        run.update(status="failed", error=_short(error), finished=_now())
        raise
    run.update(status="done", finished=_now())


def commit() -> str | None:
    """The commit of this project's code; None outside a repository."""
    found = git("rev-parse", "HEAD")
    return found and found.strip()


def _code(folder: Path) -> dict[str, Any]:
    """The commit, and whether the code differs from it; the differences go to code.diff in `folder`."""
    if (known := commit()) is None:
        return {"commit": None, "dirty": None}
    changes = git("diff", "HEAD") or ""
    for name in (git("ls-files", "--others", "--exclude-standard", "sr", "conf") or "").splitlines():
        changes += git("diff", "--no-index", "/dev/null", name) or ""
    file = folder / "code.diff"
    file.unlink(missing_ok=True)
    if changes:
        with whole(file) as temporary:
            temporary.write_text(changes)
    return {"commit": known, "dirty": bool(changes)}


def machine() -> dict[str, Any]:
    """Python, the version of every installed package, the device and the number of threads of one process."""
    return {
        "python": platform.python_version(),
        "packages": dict(_packages()),
        "device": device(),
        "threads": torch.get_num_threads(),
    }


@cache
def _packages() -> tuple[tuple[str, str], ...]:
    """(name, version) of every installed package, in the order of names; each file is read once."""
    found = {about["Name"]: about["Version"] for about in (item.metadata for item in distributions()) if about["Name"]}
    return tuple(sorted(found.items(), key=lambda item: item[0].lower()))


def device() -> str:
    """The visible GPUs, otherwise the processor: "AMD EPYC 9B45, 2 cores"."""
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        return ", ".join(f"{names.count(name)} x {name}" for name in dict.fromkeys(names))
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{name}, {len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} cores"


def git(*words: str) -> str | None:
    """The output of a git command on this project; None without git, or outside its own repository.

    Installed in an environment that lies in another repository, the commit would be that one's.
    """
    if not (ROOT / "pyproject.toml").is_file():
        return None
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 or (words[0] == "diff" and done.returncode == 1) else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _short(error: BaseException) -> str:
    from sr.cli import explain

    message = explain(error, "train") if isinstance(error, Exception) else None
    return message or (str(error).strip().splitlines() or [""])[0][:300] or type(error).__name__
