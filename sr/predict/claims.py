"""Several jobs with one output folder share its work: each result is made by the job that claims it first."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from sr.files import absent, make_folder, remove_empty
from sr.predict.result import Result
from sr.say import warn

Pairs = Iterable[tuple[Path, Path]]


class Claims:
    """The results that this job makes. A claim is a locked file beside the result, `.NAME.claim`, of which a killed job leaves
    no lock, so that another job can claim it.

    Args:
        files: (input, result) of each file of the job.
        overwrite: make existing results again; each of several jobs then makes all of them.
        result: counts existing results, and those of other jobs.
    """

    def __init__(self, files: Sequence[tuple[Path, Path]], overwrite: bool, result: Result) -> None:
        self.overwrite, self.result = overwrite, result
        self.left = [(source, target) for source, target in files if overwrite or not target.exists()]
        self._locks: dict[Path, FileLock] = {}
        self._made: list[Path] = []  # folders that did not exist
        result.skipped += len(files) - len(self.left)

    def __iter__(self) -> Iterator[tuple[Path, Path]]:
        """The files that are left, each once it is claimed; those of another job are passed over.

        At the end those that the other job has not made, and holds no longer, are claimed after all: it was stopped.
        """
        passed = []
        for source, target in self.left:
            if self.overwrite or self._claimed(target):
                yield source, target
            else:
                self.result.elsewhere += 1
                passed.append((source, target))
        for source, target in passed:
            if not target.exists() and self._claimed(target):
                self.result.elsewhere -= 1
                yield source, target

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give all claims back."""
        for target in list(self._locks):
            self.done(target)
        remove_empty(self._made)

    def done(self, target: Path) -> None:
        """Give a claim back: the result is there, or cannot be made."""
        if (lock := self._locks.pop(target, None)) is not None:
            with suppress(OSError):  # removed before it is unlocked: who waits for it then finds the result
                Path(lock.lock_file).unlink()
            lock.release()

    def _claimed(self, target: Path) -> bool:
        lock = FileLock(target.with_name(f".{target.name}.claim"), timeout=0)
        try:
            self._made += absent(target.parent)
            make_folder(target.parent)
            lock.acquire()
        except Timeout:
            return False
        except OSError:
            return True  # nothing can be written there, which the writer of the result says
        except NotImplementedError:
            warn(f"{target.parent}: its file system has no locks, so other jobs there make the same results again")
            return True
        self._locks[target] = lock
        if target.exists():  # made since this job began
            self.done(target)
            return False
        return True
