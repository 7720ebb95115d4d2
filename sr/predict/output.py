"""A result that another thread writes while the network continues. Only for `sr/predict/files.py`."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np

from sr.image.writer import StripWriter

WAITING = 12  # finished strips waiting to be written: a row of tiles of 192 pixels at x4


class Output:
    """A file that another thread writes while the network continues; at most one row of tiles waits."""

    def __init__(
        self, source: Path, target: Path, writer: StripWriter, not_kept: dict[str, str], pool: ThreadPoolExecutor
    ) -> None:
        self.source, self.target, self.not_kept, self._writer = source, target, not_kept, writer
        self._pool, self._steps = pool, deque[Future]()

    def write(self, samples: np.ndarray, valid: np.ndarray | None = None) -> None:
        """Pass a strip on, once few others wait. Raises the errors of writing earlier ones."""
        self._wait(WAITING)
        self._steps.append(self._pool.submit(self._writer.write, samples, valid))

    def close(self) -> None:
        """Mark the end; `result` waits for it."""
        self._steps.append(self._pool.submit(self._writer.close))

    def result(self) -> None:
        """Wait until the file is complete. Raises the errors of writing it."""
        try:
            self._wait()
        finally:
            self.abort()

    def abort(self) -> None:
        """Remove an incomplete file."""
        for step in self._steps:
            with suppress(Exception):
                step.result()
        self._writer.abort()

    def _wait(self, left: int = 0) -> None:
        while len(self._steps) > left:
            self._steps.popleft().result()
