"""Reading the text of a picture by Tesseract (Smith 2007, doi:10.1109/ICDAR.2007.4376991), a program of its own."""

import os
import shutil
import subprocess
from functools import cache, lru_cache
from io import BytesIO

import numpy as np
from PIL import Image

from sr.errors import InputError

_PROGRAM = "tesseract"


@cache
def version() -> str:
    """Such as "tesseract 5.3.0". InputError: the program is not installed."""
    if shutil.which(_PROGRAM) is None:
        raise InputError(
            "metric=[cer] and metric=[wer] need the program tesseract: apt-get install tesseract-ocr, or brew install tesseract"
        )
    said = subprocess.run([_PROGRAM, "--version"], capture_output=True, text=True, check=True)
    return " ".join((said.stdout or said.stderr).split()[:2])


def text(picture: np.ndarray, *, layout: int, language: str, margin: int) -> str:
    """The text in a gray or RGB picture (H, W[, 3]) uint8, words separated by single spaces; "" if there is none.

    Args:
        layout: Tesseract's page segmentation mode (--psm): 3 a page, 6 a block of text, 7 a line, 8 a word.
        language: such as eng, or eng+deu.
        margin: white pixels added on each side: Tesseract reads letters that touch the border badly.

    Raises:
        InputError: Tesseract is not installed, or refuses: an unknown language or layout.
    """
    sides = ((margin, margin), (margin, margin), (0, 0))[: picture.ndim]
    padded = np.pad(picture, sides, constant_values=255)
    return _read(padded.tobytes(), padded.shape, layout, language)


@lru_cache(maxsize=4)  # cer and wer read the same picture one after the other
def _read(pixels: bytes, shape: tuple[int, ...], layout: int, language: str) -> str:
    version()
    file = BytesIO()
    Image.fromarray(np.frombuffer(pixels, np.uint8).reshape(shape)).save(file, format="png")
    done = subprocess.run(
        [_PROGRAM, "stdin", "stdout", "--psm", str(layout), "-l", language],
        input=file.getvalue(),
        capture_output=True,
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},  # several threads are slower on one line
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise InputError(f"tesseract --psm {layout} -l {language} failed: {lines[0]}")
    return " ".join(done.stdout.decode().split())
