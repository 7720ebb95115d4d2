"""Seconds from the command line to the first finished step of training, beside those of importing torch and Lightning alone.

OMP_NUM_THREADS=2 python bench/start.py
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import options, record, say

TRAIN = Path(__file__).resolve().parent.parent / "train.py"


def once(folder: str) -> float:
    """One run of the default recipe; its progress bar, which is drawn ten times a second, tells when a step is done."""
    words = ["logger=csv", "trainer.max_steps=20", f"data_dir={folder}/data", f"output_dir={folder}/run"]
    start = time.monotonic()
    with subprocess.Popen([sys.executable, TRAIN, *words], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        seen = b""
        while not re.search(rb" [1-9]\d*/20 \[", seen):
            if not (new := process.stderr.read1()):
                sys.exit(f"{TRAIN.name} ended before its first step: {seen.decode()}")
            seen += new
        seconds = time.monotonic() - start
        process.kill()
    return seconds


def imports() -> float:
    """What Python takes to import torch and Lightning, and nothing else."""
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", "import torch, pytorch_lightning"], check=True)
    return time.monotonic() - start


def main() -> None:
    options(__doc__)
    say()
    with tempfile.TemporaryDirectory() as folder:
        first, *later = (once(folder) for _ in range(4))
    alone = sorted(imports() for _ in range(3))[1]
    record("start", first_seconds=first, seconds=sorted(later)[1], imports_alone=alone)


if __name__ == "__main__":
    main()
