"""Everything about a GPU in one command: the tests marked `gpu`, then how fast training and predict.py are.

    python bench/gpu.py                       # 9 minutes at most, on the first GPU; needs no network
    python bench/gpu.py minutes=4 only=rrdb   # what has `rrdb` in its name; several: only="peak bf16,rrdb bf16"
    python bench/gpu.py only=tests            # a part: tests, peak, training, predict.py
    python bench/gpu.py tiny=true             # on a CPU, in less than a minute: tiny networks, a few of the tests

Tables on the screen; everything in one JSON file, to=outputs/gpu.json, which is whole after each measurement. What the minutes
do not suffice for is listed as not run, what fails with its error; the exit code is 1 if anything failed. Torch 2.11 or newer;
bench/wheels.py makes a folder of the packages that a machine with torch may lack. bench/README.md says what is measured.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

import checkout  # noqa: F401
from common import options, say
from on_gpu import checks, peak, predicting
from on_gpu.results import Results, watched
from on_gpu.training import CASES, FORMS, Training
from sr import build

MINUTES = 9
STARTING = 15  # seconds of the minutes, for the imports before `main`
LATE = 10  # seconds after the end, when the process stops although a call of the device has not returned
TESTS = 0.35  # the tests' part of the time that is left
# Measured first is surest to be measured. Seconds that a compiled network needs at least; others 15.
FORM_ORDER = {"bf16": 15, "tf32": 15, "float32": 15, "bf16 compile": 40, "bf16 contiguous": 15}
MOST = 4  # times as long a measurement may take


class Item(NamedTuple):
    """A measurement and its place in the results; `needs` and `most` are seconds, see Results.run."""

    part: str
    name: str
    needs: float
    most: float | None
    measure: Callable[[], dict[str, Any]]

    def __str__(self) -> str:
        return f"{self.part} {self.name}"


def items(folder: Path, results: Results, device: str, tiny: bool) -> Iterator[Item]:
    """Everything, in the order in which it is run."""
    side, seconds = (128, 0.2) if tiny else (8192, 1.0)
    for precision in peak.TYPES:
        yield Item("peak", precision, 2, 20, partial(peak.product, device, precision, side, seconds))
    yield Item("tests", "tests/gpu", 20, None, lambda: checks.run(folder / "tests", TESTS * results.left, device, tiny))
    training = Training(folder, results, tiny, *((0.3, 2) if tiny else (2.0, 10)))
    for form, needs in FORM_ORDER.items():
        for case in CASES if not tiny or form == "bf16" else ("edsr_baseline",):
            yield Item("training", f"{case} {form}", needs, MOST * needs, partial(training, case, FORMS[form]))
        if form == "bf16":
            ddp = partial(training, "edsr_baseline", FORMS["bf16 ddp"])
            yield Item("training", "edsr_baseline bf16 ddp", needs, MOST * needs, ddp)
            for name in ("compact",) if tiny else predicting.NETWORKS:
                for precision in ("32", "bf16") if tiny else ("32", "bf16", "16"):
                    measure = partial(predicting.measure, name, precision, folder, *((32, 0.1) if tiny else (512, 1.0)))
                    yield Item("predict.py", f"{name} {precision}", 8, MOST * 8, measure)


def main() -> None:
    said = options(__doc__, "tiny", "minutes", "only", "to")
    tiny, only = said.get("tiny") == "true", said.get("only", "").split(",")
    try:
        minutes = float(said.get("minutes", MINUTES))
    except ValueError:
        sys.exit(f"minutes={said['minutes']}: pass a number")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not tiny:
        sys.exit("no CUDA GPU: pass tiny=true for a short run on the CPU")
    build.quiet()
    say()
    started = time.monotonic()
    results = Results(Path(said.get("to", "outputs/gpu.json")), started + 60 * minutes - STARTING, minutes=minutes, tiny=tiny)
    with watched(max(results.left, 0) + LATE), tempfile.TemporaryDirectory() as folder:
        every = items(Path(folder), results, device, tiny)
        chosen = [item for item in every if any(word in str(item) for word in only)]
        if not chosen:
            sys.exit(f"only={said['only']}: nothing has that in its name")
        rows = [results.plan(item.part, item.name) for item in chosen]
        results.write()
        for row, item in zip(rows, chosen, strict=True):
            results.run(row, item.needs, item.most, item.measure)
    print(f"\n{results.table()}\n\n{time.monotonic() - started:.0f} s, {results.file}", flush=True)
    sys.exit(f"failed: {'; '.join(results.failed)}" if results.failed else 0)


if __name__ == "__main__":
    main()
