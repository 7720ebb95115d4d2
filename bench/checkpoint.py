"""How long a checkpoint of RRDB's whole state (weights, average, Adam's moments) stops training, and what it costs in all.

    OMP_NUM_THREADS=2 python bench/checkpoint.py                # two minutes
    python bench/checkpoint.py pairs=3 folder=/a/disk           # where to write; else the system's folder of temporary files

Ours: the thread of sr/plugin/checkpoint_io.py; bare: the same files written at once. `stands still` is until the next step may
begin; `in all` is how much longer the steps during the writing take with it than the same steps without: the thread takes its
share of the processor and of the memory's speed.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from common import Watch, compared, options, record, say
from networks import network
from sr import build
from sr.device import speed
from sr.plugin.checkpoint_io import BackgroundIO
from sr.weights import checkpoint

STEPS = 6  # longer than the writing


class Training:
    """RRDB's network, average and optimizer."""

    def __init__(self) -> None:
        self.network: nn.Module = network("rrdb", 4).train().to(memory_format=torch.channels_last)
        self.average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(0.999), use_buffers=True)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-4, fused=True)
        self.lr, self.hr = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 128, 128)

    def steps(self, count: int = STEPS) -> None:
        for _ in range(count):
            self.optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                loss = F.l1_loss(self.network(self.lr).float(), self.hr)
            loss.backward()
            self.optimizer.step()
            self.average.update_parameters(self.network)

    def state(self) -> dict[str, Any]:
        parts = {"network": self.network, "average": self.average}
        weights = {f"{name}.{key}": value for name, part in parts.items() for key, value in part.state_dict().items()}
        return {"state_dict": weights, "optimizer_states": [self.optimizer.state_dict()]}


def measure(training: Training, folder: Path, pairs: int) -> None:
    io, best, last = BackgroundIO(), folder / "best.ckpt", folder / "last.ckpt"

    def seconds(run: Callable[[], object]) -> tuple[float, float]:
        watch = Watch()
        run()
        return watch.look()

    def ours(copies: int) -> None:
        io.save_checkpoint(training.state(), best)
        if copies > 1:
            io.copy(best, last)

    def bare(copies: int) -> None:
        for path in (best, last)[:copies]:
            checkpoint.write(training.state(), path)

    still: dict[int, list[tuple]] = {1: [], 2: []}
    whole: dict[int, list[tuple]] = {1: [], 2: []}
    for _ in range(pairs + 1):
        for copies in still:
            alone = seconds(training.steps)
            turns = []
            for save in (ours, bare):
                stop = seconds(lambda save=save, copies=copies: save(copies))
                steps = seconds(training.steps)
                io.wait()  # nothing is left of it
                turns.append((stop, tuple(s + t - a for s, t, a in zip(stop, steps, alone, strict=True))))
            still[copies].append((turns[0][0], turns[1][0]))
            whole[copies].append((turns[0][1], turns[1][1]))
    size = best.stat().st_size / 1e6
    for copies, files in ((1, "last.ckpt"), (2, "best.ckpt and last.ckpt")):
        for what, times in (("stands still", still), ("in all", whole)):
            found = compared(*zip(*times[copies][1:], strict=True))
            record("checkpoint", what=what, files=files, size_mb=size, **found)


def main() -> None:
    said = options(__doc__, "pairs", "folder")
    say()
    build.quiet()
    speed.set_up("cpu")
    training = Training()
    training.steps(1)
    with tempfile.TemporaryDirectory(dir=said.get("folder")) as folder:
        measure(training, Path(folder), int(said.get("pairs", 10)))


if __name__ == "__main__":
    main()
