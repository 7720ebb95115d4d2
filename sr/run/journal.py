"""train.log: what a run printed, its warnings, and the error that ended it."""

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from pytorch_lightning.utilities import rank_zero_only

from sr.errors import first_line


class _Log:
    """The file. What cannot be written, on a full disk, ends no run."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()


class _Both:
    """A stream whose text is also written to a log; everything else is the stream's."""

    def __init__(self, stream: TextIO, log: _Log) -> None:
        self._stream, self._log = stream, log

    def write(self, text: str) -> int:
        self._log.write(text)
        return self._stream.write(text)

    def flush(self) -> None:
        self._log.flush()
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def journal(folder: str | Path, words: Sequence[str] = ()) -> Iterator[None]:
    """Append what is printed inside, and warnings, to train.log in a folder; by the first process of a run only.

    Args:
        words: overrides of the command line, for the line with which it begins.
    """
    if getattr(rank_zero_only, "rank", 0) != 0:
        yield
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    shown = warnings.showwarning
    file = open(Path(folder) / "train.log", "a", buffering=1, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
    log = _Log(file)
    try:

        def show(message: Warning | str, *details: Any, **more: Any) -> None:
            log.write(f"warning: {message}\n")
            shown(message, *details, **more)

        log.write(f"{datetime.now().astimezone().isoformat(timespec='seconds')} {' '.join(words)}\n")
        warnings.showwarning = show
        try:
            with redirect_stdout(_Both(sys.stdout, log)):
                yield
        except BaseException as error:
            log.write(f"{type(error).__name__}: {first_line(error, None)}\n")
            raise
        finally:
            if warnings.showwarning is show:
                warnings.showwarning = shown
    finally:
        with suppress(OSError):  # what it still holds cannot be written
            file.close()
