"""What tests of refusals share: the one line that the command line would print."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sr.cli import explain
from tests.jobs import run_train


def photo(file: Path, size: tuple[int, int] = (80, 64), seed: int = 0) -> Path:
    """A PNG of noise, (width, height)."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(file)
    return file


def refused(*words: object, match: str) -> str:
    """Run train.py in this process; the one line that the command line would print for its error."""
    with pytest.raises(Exception) as caught:  # noqa: B017 (what it is, explain() says)
        run_train(*words)
    line = explain(caught.value, "train")
    assert line is not None, caught.value
    assert match in line and "\n" not in line
    return line


def one_line(done: subprocess.CompletedProcess) -> str:
    """Of a process that failed as it should: its line on stderr."""
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    lines = [line for line in done.stderr.replace("\r", "\n").splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and done.stderr.strip() == lines[0], done.stderr
    return lines[0]
