"""Atomic file writes, hashes of files, and the folder of a run."""

import errno
import glob
import hashlib
import os
import re
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sr.errors import StorageError


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """A temporary name next to `path` to write to: renamed at the end, removed after an error. Creates folders.

    An OSError names `path`.
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        make_folder(path.parent)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.errno is None:
            raise
        raise StorageError(error.errno, error.strerror, str(path)) from None
    finally:
        with suppress(OSError):  # already renamed, or never created
            temporary.unlink()


class Completed(ABC):
    """A file that is written in a `with` block: `close` completes it at the end, `abort` removes it after an error."""

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def abort(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


def natural(name: str) -> list[Any]:
    """A key that sorts names by the numbers in them: frame_9 comes before frame_10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name)]


def make_folder(folder: Path) -> None:
    """Make a folder and those above it. NotADirectoryError: one of them is a file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise NotADirectoryError(errno.ENOTDIR, "a folder of this path is a file") from None


def digest(path: str | Path, algorithm: str = "sha256") -> str:
    """The hash of a file's content, in hexadecimal digits."""
    with open(path, "rb") as content:
        return hashlib.file_digest(content, algorithm).hexdigest()


def matching(pattern: Path) -> tuple[Path, list[Path]] | None:
    """The folder in which a glob pattern begins, and the files that match, sorted; None: it is no pattern."""
    fixed = next((i for i, part in enumerate(pattern.parts) if glob.has_magic(part)), None)
    if fixed is None:
        return None
    found = map(Path, sorted(glob.glob(str(pattern), recursive=True)))
    return Path(*pattern.parts[:fixed]), [path for path in found if not path.is_dir()]


def clear(folder: Path) -> None:
    """Remove temporary files of `whole` that killed processes left in `folder`."""
    for temporary in folder.glob(f".{'[0-9a-f]' * 32}.tmp"):
        with suppress(OSError):
            temporary.unlink()


def absent(folder: str | Path) -> list[Path]:
    """The folders among a folder and its parents that do not exist, deepest first."""
    folder = Path(folder).absolute()
    return [place for place in (folder, *folder.parents) if not place.exists()]


def remove_empty(folders: list[Path]) -> None:
    """Remove those folders that exist and are empty, deepest first."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def run_of(checkpoint: str | Path) -> Path:
    """The folder of the run that wrote a checkpoint: the parent of `checkpoints/`, or the file's folder."""
    folder = Path(checkpoint).parent
    return folder.parent if folder.name == "checkpoints" else folder
