"""sweep.json and sweep.md in a sweep's folder: its jobs, their overrides, and how each ended."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from sr.errors import InputError
from sr.files import whole
from sr.run.read import content
from sr.sweep.job import Job, Outcome
from sr.view.table import markdown


class Record:
    """The jobs of all sweeps in a folder, by their sub-folder."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._file, self._lock = self.folder / "sweep.json", Lock()
        self._jobs = _jobs(self._file)

    def add(self, jobs: list[Job], *, resume: bool) -> None:
        """Add jobs that are about to run.

        Raises:
            InputError: two jobs in one folder; a folder has another job's run; without `resume`, a finished run.
        """
        for job in jobs:
            before = self._jobs.get(self._name(job.folder), {}).get("words")
            kept = job.done or (resume and job.last.is_file())
            if kept and before is not None and _settings(before) != _settings(job.words):
                differing = " ".join(sorted(set(_settings(before)) ^ set(_settings(job.words)))) or "another order"
                raise InputError(f"{job.folder} contains a run of a different command ({differing}): choose another output_dir")
            if job.done and not resume:
                raise InputError(f"{job.folder} is finished: pass sweep_resume=true, or choose another output_dir")
        for index, job in enumerate(jobs):
            if twin := next((other for other in jobs[:index] if other.folder == job.folder), None):
                differing = " ".join(sorted(set(twin.words) ^ set(job.words)))
                raise InputError(f"two jobs have the same folder, {job.folder} ({differing}): set hydra.sweep.subdir")
            name = self._name(job.folder)
            self._jobs[name] = {**self._jobs.get(name, {"status": "not started"}), "words": job.words, "scale": job.scale}
        self._write()

    def note(self, outcome: Outcome) -> None:
        """Record how a job ended; one that was finished before keeps its time."""
        facts = {key: getattr(outcome, key) for key in ("status", "error", "score", "seconds", "early")}
        with self._lock:
            entry = self._jobs[self._name(outcome.folder)]
            entry |= {key: value for key, value in facts.items() if key != "seconds" or value is not None}
            self._write()

    def table(self) -> str:
        """A Markdown table of all jobs; one table per scale, because scores of different scales cannot be compared."""
        scales = sorted({entry.get("scale") for entry in self._jobs.values()}, key=lambda scale: (scale is None, scale))
        if sum(scale is not None for scale in scales) < 2:
            return _table(self._jobs)
        of = {scale: {name: entry for name, entry in self._jobs.items() if entry.get("scale") == scale} for scale in scales}
        return "\n\n".join(
            f"Scale {'not recorded' if scale is None else f'x{scale}'}\n\n{_table(of[scale])}" for scale in scales
        )

    def _name(self, folder: str) -> str:
        return os.path.relpath(folder, self.folder)

    def _write(self) -> None:
        with whole(self._file) as temporary:
            temporary.write_text(json.dumps(self._jobs, indent=1) + "\n")
        with whole(self.folder / "sweep.md") as temporary:
            temporary.write_text(self.table() + "\n")


def _table(jobs: dict[str, dict]) -> str:
    rows = [["job", "status", "score", "seconds"]]
    for name, entry in jobs.items():
        status = f"{entry['status']} ({entry['early']})" if entry.get("early") else entry["status"]
        status += f": {entry['error']}" if entry.get("error") else ""
        score, seconds = entry.get("score"), entry.get("seconds")
        rows.append([name, status, "" if score is None else f"{score:.4f}", "" if seconds is None else f"{seconds:.0f}"])
    return markdown([[cell.replace("|", "\\|") for cell in row] for row in rows])


def _settings(words: list[str]) -> list[str]:
    """The overrides without the folder's: the folder of a sweep may be written differently, or have moved."""
    return [word for word in words if not word.startswith("output_dir=")]


def _jobs(file: Path) -> dict[str, dict]:
    """The content of sweep.json; empty if there is none.

    Raises:
        InputError: one line that names the file and what to do.
    """
    if not file.is_file():
        return {}
    with suppress(InputError):
        found = content(file)
        if all(isinstance(entry, dict) and "status" in entry for entry in found.values()):
            return found
    raise InputError(f"{file}: not a sweep.json, or truncated: delete it (finished runs stay finished)")


@contextmanager
def alone_in(folder: str | Path) -> Iterator[int]:
    """A lock on a sweep's folder, as a file descriptor. Jobs inherit it and hold it even if the sweep itself is killed.

    Raises:
        InputError: another sweep, or a job of one, holds it.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    with open(Path(folder, ".lock"), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{folder}: a sweep or one of its jobs is still running there") from None
        yield file.fileno()
