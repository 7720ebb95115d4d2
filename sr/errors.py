"""Errors meant for the user: the command line shows their one line and exits with 1. Every other error is a defect, ours or
that of a user's own module, and shows its traceback.

Each is also the built-in error of its kind, so that Python code can catch `ValueError` or `FileNotFoundError` as usual.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

# A config may name their classes; what they say of an option is the user's to mend, whatever kind of error it is.
LIBRARIES = ("pytorch_lightning.", "torch.", "torchmetrics.", "torchvision.", "kornia.", "spandrel.")


class UserError(Exception):
    """Something the user can mend: one line that names the key or file, and what to do."""


class InputError(UserError, ValueError):
    """An option, or the content of a file, that cannot be used."""


class MissingError(UserError, FileNotFoundError):
    """A file or folder that is not there."""


class ExistsError(UserError, FileExistsError):
    """A file or folder that would be written over."""


class StorageError(UserError, OSError):
    """A disk that is full, or a file that cannot be read or written."""


class ShortMemoryError(UserError, MemoryError):
    """Memory, of a GPU or of the machine, that is too short for an image."""


class UnreachableError(UserError, ConnectionError):
    """A server that cannot be reached."""


class NotFiniteError(UserError, FloatingPointError):
    """Numbers that became NaN or infinite."""


@contextmanager
def options_of(key: str, made: Callable) -> Iterator[None]:
    """Turn what a library's class says of its options into an InputError that names the config `key`."""
    try:
        yield
    except (ValueError, TypeError) as error:
        if isinstance(error, UserError) or not f"{getattr(made, '__module__', '')}.".startswith(LIBRARIES):
            raise
        raise InputError(f"{key}: {getattr(made, '__name__', made)}: {str(error).splitlines()[0]}") from error
