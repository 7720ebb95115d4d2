"""Results under a limit of time, in a file that is whole after each of them.

Everything planned stands in it from the start as not run, so that a stop, however sudden, drops nothing without a word.
"""

import faulthandler
import gc
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from common import circumstances
from sr.errors import first_line
from sr.files import whole
from sr.view.table import markdown

NOT_RUN, FAILED, DONE = "not run", "failed", "done"
STATES = ("part", "name", "state", "why")  # what every row has; the rest are its values
WHERE = 2  # lines of a traceback in the file


class NotHereError(Exception):
    """What this machine does not have, such as TF32: its row says so, and is not a failure."""


class Results:
    """Rows, their table and their file.

    Args:
        file: the JSON file.
        end: when all must have ended, on the clock of `time.monotonic`.
        facts: what else the file begins with.
    """

    def __init__(self, file: Path, end: float, **facts: Any) -> None:
        self.file, self.end = file, end
        self.facts = {**circumstances(), **facts}
        self.rows: list[dict[str, Any]] = []

    @property
    def left(self) -> float:
        """Seconds."""
        return self.end - time.monotonic()

    def plan(self, part: str, name: str) -> dict[str, Any]:
        """A row for what is to come."""
        row = {"part": part, "name": name, "state": NOT_RUN, "why": "stopped before it"}
        self.rows.append(row)
        return row

    def run(self, row: dict[str, Any], needs: float, most: float | None, call: Callable[[], dict[str, Any]]) -> None:
        """Fill a row with what `call` returns, or with its error, or with why it was not run.

        Args:
            needs: seconds that it takes at least.
            most: seconds after which it is stopped; None: when no time is left.
        """
        started = time.monotonic()
        if self.left < needs:
            row["why"] = f"{max(self.left, 0):.0f} s were left, it needs {needs:.0f}"
        else:
            try:
                with stopped_after(min(most or self.left, self.left)):
                    row |= {**call(), "state": DONE, "why": ""}
            except NotHereError as reason:
                row["why"] = str(reason)
            except Exception as error:  # one measurement does not end the others
                row |= {
                    **getattr(error, "values", {}),
                    "state": FAILED,
                    "why": f"{type(error).__name__}: {first_line(error, 300)}",
                }
                row["where"] = _where(error)
            row["took_s"] = time.monotonic() - started
        self.write()
        print(f"{row['part']} {row['name']}: {_said(row)}", flush=True)
        if torch.cuda.is_available():  # an error holds what its frames hold
            gc.collect()
            torch.cuda.empty_cache()

    def value(self, part: str, name: str, key: str) -> Any:
        """A value of a row; None: it was not measured."""
        return next((row.get(key) for row in self.rows if (row["part"], row["name"]) == (part, name)), None)

    def write(self) -> None:
        """The file, by a temporary name."""
        with whole(self.file) as temporary:
            temporary.write_text(json.dumps({**self.facts, "results": self.rows}, indent=1, default=str) + "\n")

    @property
    def failed(self) -> list[str]:
        return [f"{row['part']} {row['name']}" for row in self.rows if row["state"] == FAILED]

    def table(self) -> str:
        """A table for each part, and the lines of what failed and of what was not run."""
        found = []
        for part in dict.fromkeys(row["part"] for row in self.rows):
            rows = [row for row in self.rows if row["part"] == part and row["state"] == DONE]
            names = list(dict.fromkeys(name for row in rows for name in _values(row)))
            cells = [[row["name"], *(short(row.get(name)) for name in names)] for row in rows]
            found += [markdown([[part, *names], *cells])] if rows else []
        for state in (FAILED, NOT_RUN):
            lines = [f"{state}: {row['part']} {row['name']}: {row['why']}" for row in self.rows if row["state"] == state]
            lines += [f"  {t['name']}: {t['why']}" for row in self.rows if state == FAILED for t in row.get("others", ())]
            found += ["\n".join(lines)] if lines else []
        return "\n\n".join(found)


def short(value: object) -> str:
    """A number with three digits, or more before the point."""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return "" if value is None else str(value)


def _values(row: dict[str, Any]) -> dict[str, float | str]:
    """Those that fit into a table."""
    hidden = (*STATES, "took_s", "code")
    return {name: value for name, value in row.items() if name not in hidden and isinstance(value, float | int | str)}


def _said(row: dict[str, Any]) -> str:
    values = ", ".join(f"{name} {short(value)}" for name, value in _values(row).items())
    return ", ".join(filter(None, (row["state"] if row["state"] != DONE else "", row["why"], values)))


def _where(error: BaseException) -> list[str]:
    """The innermost lines of code, as "file:line"."""
    found, at = [], error.__traceback__
    while at is not None:
        found.append(f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}")
        at = at.tb_next
    return found[-WHERE:]


@contextmanager
def watched(seconds: float) -> Iterator[None]:
    """The process ends with a traceback if the block takes longer, even in a call of the device that does not return."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


@contextmanager
def stopped_after(seconds: float) -> Iterator[None]:
    """TimeoutError after so many seconds, as soon as Python runs again. An earlier alarm of the process goes on after it."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"took more than {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, stop)
    rest, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    started = time.monotonic()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, max(rest - (time.monotonic() - started), 1e-3) if rest else 0)
        signal.signal(signal.SIGALRM, before)
