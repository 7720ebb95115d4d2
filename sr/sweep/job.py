"""One job of a sweep: its own process, as if its command line had been typed.

So several devices work as in a single run, memory is freed, and a job that crashes or is killed does not affect the others.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sr.cli.words import quoted
from sr.files import absent, remove_empty
from sr.run.read import known
from sr.sweep.signals import Signals

PRUNED = 3  # exit code of a run that sr/callback/prune.py stopped
_STOPPED = (130, 143, 138, 140)  # exit codes of sr/callback/interrupt.py


@dataclass(frozen=True)
class Job:
    """A run of `script`.

    Args:
        folder: folder of the run.
        words: overrides of the run.
        place: Hydra's own overrides, which set the folder.
        go_on: whether to resume from the folder's last.ckpt, if it exists.
        log: write output to log.txt in the folder instead of the screen.
        scale: scale of the network, if its config has one.
    """

    script: str
    folder: str
    words: list[str]
    place: list[str]
    go_on: bool = False
    log: bool = False
    scale: int | None = None

    @property
    def last(self) -> Path:
        """The checkpoint from which it resumes."""
        return Path(self.folder, "checkpoints", "last.ckpt")

    @property
    def done(self) -> bool:
        """Whether its folder contains a finished run."""
        return known(self.folder).get("status") == "done"

    @property
    def _resumes(self) -> bool:
        return self.go_on and self.last.is_file()

    def command(self) -> list[str]:
        """Its command line. A resumed run takes its overrides from the checkpoint."""
        words = [f"resume={quoted(str(self.last))}"] if self._resumes else self.words
        return [sys.executable, self.script, *words, *self.place]

    def run(self, signals: Signals, *, variables: dict[str, str] | None = None, cores: set[int] | None = None) -> "Outcome":
        """Run it to its end, however it ends; `variables` are added to the environment, `cores` are the CPUs it may use."""
        if signals.received:
            return Outcome(self.folder, "not started")
        started = time.monotonic()
        folder = Path(self.folder)
        made = absent(folder)
        folder.mkdir(parents=True, exist_ok=True)
        command = self.command()
        if not self._resumes and os.environ.get("SLURM_PROCID", "0") == "0":
            (folder / "run.json").unlink(missing_ok=True)  # stale: this run has not got that far
        log = (folder / "log.txt").open("ab") if self.log else None
        sys.stdout.flush()
        process = subprocess.Popen(
            command,
            env=os.environ | (variables or {}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log and subprocess.STDOUT,
            process_group=0,  # Ctrl-C arrives through `signals`, once: a second one would stop without saving
            pass_fds=signals.held,
        )
        if cores:
            os.sched_setaffinity(process.pid, cores)
        with signals.passed_on_to(process):
            code = process.wait()
        if log:
            log.close()
        remove_empty(made)
        return self._outcome(code, time.monotonic() - started, stopping=bool(signals.received))

    def _outcome(self, code: int, seconds: float, *, stopping: bool) -> "Outcome":
        record, error = known(self.folder), None
        if code == 0:
            status = "done"
        elif code == PRUNED:
            status = "pruned"
        elif stopping or code in _STOPPED:
            status = "stopped"
        elif code < 0:
            status = f"killed by signal {-code}"
        else:
            status, error = "failed", record.get("error") or self._last_line() or f"exit code {code}"
        return Outcome(self.folder, status, error, record.get("score"), round(seconds, 1), early=_early(record))

    def _last_line(self) -> str | None:
        file = Path(self.folder, "log.txt")
        lines = file.read_text(errors="replace").splitlines() if self.log and file.is_file() else []
        return next((line.removeprefix("error: ")[:300] for line in reversed(lines) if line.strip()), None)


@dataclass
class Outcome:
    """How a job ended: done, failed, pruned, stopped, killed by signal 9, or not started."""

    folder: str
    status: str
    error: str | None = None
    score: float | None = None
    seconds: float | None = None
    early: str | None = None  # for a finished job that stopped early: at which step

    @property
    def good(self) -> bool:
        """Whether the job needs no further run."""
        return self.status in ("done", "pruned")

    def __str__(self) -> str:
        status = f"{self.status} ({self.early})" if self.early else self.status
        return f"{status}: {self.error}" if self.error else status


def skipped(job: Job) -> Outcome:
    """The outcome of a job that an earlier sweep has finished."""
    record = known(job.folder)
    return Outcome(job.folder, "done", score=record.get("score"), early=_early(record))


def _early(record: dict[str, Any]) -> str | None:
    """The early end recorded in a job's run.json."""
    early = record.get("stopped_early")
    return f"early, step {early['step']} of {early['max_steps']}" if early else None
