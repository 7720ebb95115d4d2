"""Files that appear whole or not at all, and where a run keeps its own."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sr.errors import StorageError


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to: renamed at the end, removed after an error. Folders are made.

    An OSError of the system names `path`: what failed is its disk.
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.errno is None:
            raise
        raise StorageError(error.errno, error.strerror, str(path)) from None
    finally:
        with suppress(OSError):  # renamed, or never made
            temporary.unlink()


def clear(folder: Path) -> None:
    """Remove what a process that was killed left of files in `folder` that it was writing by `whole`."""
    for temporary in folder.glob(f".{'[0-9a-f]' * 32}.tmp"):
        with suppress(OSError):
            temporary.unlink()


def absent(folder: str | Path) -> list[Path]:
    """Those of a folder and its parents that do not exist, the deepest first."""
    folder = Path(folder).absolute()
    return [place for place in (folder, *folder.parents) if not place.exists()]


def remove_empty(folders: list[Path]) -> None:
    """Remove the folders, the deepest first, as far as they are there and empty."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def run_of(checkpoint: str | Path) -> Path:
    """The folder of the run that wrote a checkpoint: above `checkpoints/`, or where the file lies."""
    folder = Path(checkpoint).parent
    return folder.parent if folder.name == "checkpoints" else folder
