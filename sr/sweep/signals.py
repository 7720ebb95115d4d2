"""Ctrl-C and a scheduler's signals in a sweep: forwarded to the running jobs; no further job starts."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


class Signals:
    """A context in which a signal does not end this process but is forwarded to each running job, which saves a checkpoint.

    `received` is the signal's number, 0 before; `held` are file descriptors that the jobs keep open (a lock on the sweep's
    folder); without `passing` the jobs receive their signals from elsewhere.
    """

    def __init__(self, *, caught: tuple[int, ...] = CAUGHT, held: tuple[int, ...] = (), passing: bool = True) -> None:
        self.received, self.caught, self.held, self.passing = 0, caught, held, passing
        self._running: list[subprocess.Popen] = []

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._receive) for number in self.caught}
        return self

    def __exit__(self, *_: Any) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def passed_on_to(self, process: subprocess.Popen) -> Iterator[None]:
        """While the process runs, it receives the signals of this one."""
        self._running.append(process)
        if self.received:  # while the process was starting
            self.send(self.received)
        try:
            yield
        finally:
            self._running.remove(process)

    def send(self, number: int) -> None:
        """Send a signal to each running process."""
        for process in self._running if self.passing else ():
            with suppress(ProcessLookupError):
                os.kill(process.pid, number)  # not Popen's own method: the interrupted code may hold its lock

    def wait(self, seconds: float) -> None:
        """Wait until no process runs, even within a signal handler; at most so long."""
        end = time.monotonic() + seconds
        for process in self._running:
            with suppress(ChildProcessError):
                while time.monotonic() < end and not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                    time.sleep(0.1)

    def _receive(self, number: int, frame: Any) -> None:
        self.received = number
        print("\nstopping the sweep: running jobs save a checkpoint", file=sys.stderr)
        self.send(number)
