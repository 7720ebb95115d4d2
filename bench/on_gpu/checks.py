"""The tests marked `gpu`, in a process of their own: one that dies takes no measurement with it.

    python bench/on_gpu/checks.py REPORT SECONDS WORDS_OF_PYTEST

It writes a line of JSON for each test as soon as it has run, and begins none after so many seconds.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
STOPPED = 2  # pytest's exit code when its time is over
GRACE = 20  # seconds for the test that is running at the end


class Report:
    """A plugin of pytest."""

    def __init__(self, file: Path, seconds: float) -> None:
        self.file, self.end = file, time.monotonic() + seconds
        self.session: pytest.Session | None = None

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.session = session
        self._write(names=[item.nodeid for item in session.items])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.outcome == "passed":
            return
        why = ""
        if report.skipped:
            why = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        elif report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            why = (crash.message if crash else str(report.longrepr)).strip()[:600]
        self._write(name=report.nodeid, outcome=report.outcome, seconds=report.duration, why=why)

    def pytest_runtest_logfinish(self) -> None:
        if time.monotonic() > self.end and self.session is not None:
            self.session.shouldstop = "no time is left"

    def _write(self, **values: Any) -> None:
        with open(self.file, "a") as file:
            file.write(json.dumps(values) + "\n")


class TestsError(Exception):
    """Some failed; `values` of the row say which."""

    def __init__(self, message: str, values: dict[str, Any]) -> None:
        super().__init__(message)
        self.values = values


def run(file: Path, seconds: float, device: str, tiny: bool) -> dict[str, Any]:
    """Run those of a GPU, or on the CPU the fast ones of the same functions: how many passed, and what did not.

    TestsError: one failed, or pytest itself.
    """
    which = "gpu" if device == "cuda" else "not gpu and not slow and not medium"
    words = ["tests/gpu", "-m", which, *(["-k", "compact or bicubic"] if tiny else [])]
    line = [sys.executable, str(Path(__file__).resolve()), str(file), str(seconds), *words]
    log = file.with_suffix(".log")
    with open(log, "w") as out:
        process = subprocess.Popen(line, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
        try:
            code: int | None = process.wait(seconds + GRACE)
        except BaseException as error:
            process.kill()
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            code = None
    found = [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []
    names = next((line["names"] for line in found if "names" in line), [])
    values = {**summary(names, [line for line in found if "name" in line]), "code": code}
    if not names or values["failed"] or code not in (0, STOPPED, None):
        last = "; ".join(log.read_text().strip().splitlines()[-2:])
        raise TestsError(f"{values['failed']} failed, pytest's exit code {code}: {last}", values)
    return values


def summary(names: list[str], tests: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts, the reports of tests that did not pass, and the names of those that were not run."""
    outcomes = {test["name"]: test["outcome"] for test in tests}
    outcomes |= {test["name"]: "failed" for test in tests if test["outcome"] == "failed"}  # a teardown after a pass
    left = [name for name in names if name not in outcomes]
    counts = {outcome: list(outcomes.values()).count(outcome) for outcome in ("passed", "failed", "skipped")}
    return {**counts, "left": len(left), "others": [test for test in tests if test["outcome"] != "passed"], "not_run": left}


if __name__ == "__main__":
    report = Report(Path(sys.argv[1]), float(sys.argv[2]))
    os.chdir(ROOT)
    sys.exit(pytest.main([*sys.argv[3:], "-p", "no:cacheprovider", "-p", "no:xdist"], plugins=[report]))
