"""Seconds from the command line to the first finished step of training, beside those of importing torch and Lightning alone.

OMP_NUM_THREADS=2 python bench/start.py
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import options, record, say

TRAIN = Path(__file__).resolve().parent.parent / "train.py"


def once(folder: str) -> float:
    """One run of the default recipe, which prints a line for each step."""
    words = ["logger=csv", "trainer.max_steps=20", "trainer.log_every_n_steps=1", f"data_dir={folder}/data"]
    start = time.monotonic()
    command = [sys.executable, TRAIN, *words, f"output_dir={folder}/run"]
    with subprocess.Popen(command, stderr=subprocess.STDOUT, stdout=subprocess.PIPE) as process:
        seen = b""
        while b"training: 1 of 20 steps" not in seen:
            if not (new := process.stdout.read1()):
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
