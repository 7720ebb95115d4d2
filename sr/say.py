"""Warnings of this project: one line on the screen, whatever other warnings are silenced."""

import warnings


def warn(text: str) -> None:
    """Warn in one line; the same text is shown once per process.

    Python attributes a warning to the file `stacklevel` frames up, and `sr.build.quiet` silences the files of Lightning and
    of torch's DataLoader, which call our code. So every warning is attributed to this file.
    """
    warnings.warn(text, stacklevel=1)
