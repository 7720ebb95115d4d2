"""Errors meant for the user: the command line prints one line and exits with code 1. All other errors are bugs, ours or in a
user's module, and show their traceback.

Each is also a built-in error, so that Python code can catch `ValueError` or `FileNotFoundError` as usual.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Libraries whose classes a config may name; their errors about an option are the user's to fix, whatever their type.
LIBRARIES = ("pytorch_lightning.", "torch.", "torchmetrics.", "torchvision.", "kornia.", "spandrel.")


class UserError(Exception):
    """An error that the user can fix: one line that names the key or file, and what to do."""


class InputError(UserError, ValueError):
    """An invalid option or an invalid file."""


class MissingError(UserError, FileNotFoundError):
    """A missing file or folder."""


class ExistsError(UserError, FileExistsError):
    """A file or folder that would be overwritten."""


class StorageError(UserError, OSError):
    """A full disk, or a file that cannot be read or written."""

    def __str__(self) -> str:
        """The file comes first, as in other messages; the system's errors begin with a number and end with the file."""
        return f"{self.filename}: {self.strerror}" if self.filename else super().__str__()


class ShortMemoryError(UserError, MemoryError):
    """Too little memory, on the GPU or the machine."""


class UnreachableError(UserError, ConnectionError):
    """A server that cannot be reached."""


class NotFiniteError(UserError, FloatingPointError):
    """Values that became NaN or infinite."""


def first_line(error: BaseException | None, length: int | None = 160) -> str:
    """The first line of a library's message, truncated to `length` characters (None: whole); without one the error's class."""
    return (str(error).splitlines() or [type(error).__name__])[0][:length]


@contextmanager
def options_of(key: str, made: Callable) -> Iterator[None]:
    """Turn a library class's error about its options into an InputError that names the config `key`."""
    try:
        yield
    except (ValueError, TypeError) as error:
        if isinstance(error, UserError) or not f"{getattr(made, '__module__', '')}.".startswith(LIBRARIES):
            raise
        raise InputError(f"{key}: {getattr(made, '__name__', made)}: {first_line(error, None)}") from error
