"""Every benchmark of speed, one after the other, and the tables of README.md of their results.

    python bench/all.py quick=true                    # under 5 minutes on 2 cores
    SR_DATA=../shared/data python bench/all.py        # half an hour, on a quiet machine

Without SR_DATA the photographs are scikit-image's.
"""

import subprocess
import sys
import time
from pathlib import Path

from common import options

HERE = Path(__file__).resolve().parent
# script -> words, words that make it quick (None: left out)
SCRIPTS = {
    "train.py": ([], ["quick=true"]),
    "start.py": ([], []),
    "metric.py": ([], ["quick=true"]),
    "checkpoint.py": ([], ["pairs=2"]),
    "degradation.py": ([], ["quick=true"]),
    "data.py": ([], ["--seconds", "0.5"]),
    "clips.py": ([], ["--seconds", "0.5"]),
    "infer.py": (["tiles"], None),
    "gan.py": ([], None),
    "scale.py": ([], ["quick=true"]),
    "render.py": ([], []),
}


def main() -> None:
    quick = options(__doc__, "quick").get("quick") == "true"
    failed = []
    for script, (full, fewer) in SCRIPTS.items():
        if quick and fewer is None:
            continue
        start = time.monotonic()
        done = subprocess.run([sys.executable, str(HERE / script), *(fewer if quick else full)], check=False)
        failed += [script] if done.returncode else []
        print(f"-- {script}: {time.monotonic() - start:.0f} s\n", flush=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
