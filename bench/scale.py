"""How training scales over processes of one machine, and what of the loss is the machine's.

    python bench/scale.py                  # 1, 2 (and 4, where there are as many processors); 2 minutes
    python bench/scale.py quick=true

Each process has one thread and a batch of 8. `efficiency` is the images/s of n processes over n times those of one. Beside it
`machine`: the same for n processes that train alone and know nothing of each other, which shared caches, memory and clock
rates allow at most. What is left, efficiency / machine, is gradient averaging and the framework.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import options, record, say

ROOT = Path(__file__).resolve().parent.parent
BATCH = 8


def words(folder: str, steps: int, processes: int) -> list[str]:
    return [
        "model=compact", f"data.batch_size={BATCH * processes}", "data.n_workers=0", "trainer.precision=32-true",
        "trainer.accelerator=cpu", f"trainer.devices={processes}", f"trainer.max_steps={steps}", "trainer.limit_val_batches=0",
        "callback=[checkpoint,log]", "trainer.log_every_n_steps=5", "logger=csv", "trainer.limit_test_batches=1",
        "metric=[psnr]", f"data_dir={folder}/data", f"data.cache_dir={folder}/cache",
    ]  # fmt: skip


def start(folder: str, steps: int, processes: int, number: int = 0) -> tuple[subprocess.Popen, Path]:
    run = Path(folder) / f"{processes}_{number}_{time.monotonic_ns()}"
    line = [sys.executable, str(ROOT / "train.py"), *words(folder, steps, processes), f"output_dir={run}"]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_PORT": str(20000 + os.getpid() % 20000)}
    return subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=folder), run


def images_per_second(started: list[tuple[subprocess.Popen, Path]]) -> float:
    """Sum over the runs of the median of what they logged, without the first, which has the start in it."""
    total = 0.0
    for process, run in started:
        _, errors = process.communicate()
        if process.returncode:
            sys.exit(errors)
        header, *rows = [line.split(",") for line in (run / "metrics.csv").read_text().splitlines()]
        column = header.index("train/images_per_second")
        values = sorted(float(row[column]) for row in rows[1:] if re.match(r"[\d.]", row[column]))
        total += values[len(values) // 2]
    return total


def main() -> None:
    steps = 25 if options(__doc__, "quick").get("quick") == "true" else 100
    counts = [count for count in (1, 2, 4) if count <= (os.cpu_count() or 1)]
    say()
    with tempfile.TemporaryDirectory() as folder:
        images_per_second([start(folder, 10, 1)])  # decodes the photographs
        one = 0.0
        for count in counts:
            together = images_per_second([start(folder, steps, count)])
            one = one or together
            alone = images_per_second([start(folder, steps, 1, number) for number in range(count)]) if count > 1 else together
            record(
                "scale", processes=count, batch=BATCH * count, images_per_second=together, efficiency=together / (count * one),
                machine=alone / (count * one), framework=together / alone,
            )  # fmt: skip


if __name__ == "__main__":
    main()
