"""What every benchmark says of its circumstances, and where its results go: a line of JSON each in results.jsonl.

bench/render.py makes the tables of README.md of them.
"""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from sr.run.record import device, git

RESULTS = Path(os.environ.get("SR_BENCH_RESULTS") or Path(__file__).with_name("results.jsonl"))


def circumstances() -> dict[str, object]:
    """Device, threads, versions, commit and load."""
    return {
        "device": device(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "commit": (git("rev-parse", "--short=10", "HEAD") or "unknown").strip(),
        "dirty": bool(git("status", "--porcelain", "sr", "conf", "bench/*.py")),
        "load": round(os.getloadavg()[0], 1),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def say() -> None:
    """The same in one line on the screen."""
    found = circumstances()
    print(found.pop("device"), *(f"{name} {value}" for name, value in found.items()), sep=", ", flush=True)


def record(bench: str, **values: object) -> None:
    """Print one result and append it."""
    print(f"{bench}: " + ", ".join(f"{name} {_short(value)}" for name, value in values.items()), flush=True)
    with open(RESULTS, "a") as file:
        file.write(json.dumps({"bench": bench, **values, **circumstances()}) + "\n")


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def options(about: str, *known: str, config: bool = False) -> dict[str, str]:
    """The KEY=VALUE words of the command line; leaves with `about` at --help, with one line at a word that says nothing here.

    Args:
        about: the script's docstring.
        known: its keys.
        config: whether other keys are the training config's.
    """
    found = {}
    for word in sys.argv[1:]:
        if word in ("-h", "--help"):
            print(about.strip())
            sys.exit()
        key, equals, value = word.partition("=")
        if not equals or not (config or key in known):
            sys.exit(f"{word}: pass {', '.join(f'{name}=...' for name in known) or 'no words'}; --help tells more")
        found[key] = value
    return found


class Watch:
    """Seconds since its making or the last look: of the clock, and of this process's work (on a GPU the clock's)."""

    def __init__(self, kind: str = "cpu") -> None:
        self.kind = kind
        self.look()

    def look(self) -> tuple[float, float]:
        if self.kind == "cuda":
            torch.cuda.synchronize()
        then = getattr(self, "_then", (0.0, 0.0))
        wall = time.perf_counter()
        self._then = wall, wall if self.kind == "cuda" else time.process_time()
        return self._then[0] - then[0], self._then[1] - then[1]


def in_turns(ours: Callable[[], object], theirs: Callable[[], object], pairs: int, kind: str = "cpu") -> dict[str, float]:
    """Both after each other, so many times, after one that does not count; see `compared`."""
    times: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for _ in range(pairs + 1):
        watch = Watch(kind)
        ours()
        first = watch.look()
        theirs()
        times.append((first, watch.look()))
    return compared(*zip(*times[1:], strict=True))


def compared(ours: list[tuple[float, float]], theirs: list[tuple[float, float]]) -> dict[str, float]:
    """Medians in ms, and the median of the pairs' ratios: of the clock, and of the processor, which others disturb less.

    Args:
        ours, theirs: (seconds of the clock, of the processor) of each turn.
    """
    found: dict[str, float] = {"pairs": len(ours)}
    for index, name in enumerate(("clock", "processor")):
        mine, others = [t[index] for t in ours], [t[index] for t in theirs]
        ratios = sorted(a / b for a, b in zip(mine, others, strict=True))
        found[f"ours_{name}_ms"] = 1e3 * statistics.median(mine)
        found[f"bare_{name}_ms"] = 1e3 * statistics.median(others)
        found[f"ratio_{name}"] = statistics.median(ratios)
        found[f"ratio_{name}_low"], found[f"ratio_{name}_high"] = np.quantile(ratios, (0.25, 0.75)).tolist()
    return found


def activations(network: nn.Module, lr: Tensor, dtype: torch.dtype | None) -> int:
    """Bytes that a forward pass keeps for the backward pass, without the weights."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    kept: dict[int, int] = {}
    held = []  # else memory is given back and taken again, and counted twice at one place

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
            held.append(storage)
        return tensor

    half = torch.autocast(lr.device.type, dtype, enabled=dtype is not None)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), half:
        result = network(lr)
    del result
    return sum(kept.values())
