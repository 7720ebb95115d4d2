"""Measures where a step's time goes and how much of the device's peak it reaches, and gives advice."""

import os
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from sr.files import whole
from sr.plugin.profiler import REST, Phases
from sr.view.table import markdown


class Profile(pl.Callback):
    """Measures `steps` batches after `warm_up` batches, prints a table with one sentence of advice, and writes profile.md.

    On a GPU each phase is synchronised to be timed, which makes the measured steps slightly slower.

    Args:
        folder: folder of profile.md.
        warm_up: batches before the first measured one; the multiply-adds are counted in the last of them.
        steps: number of measured batches; fewer if the run is shorter.
    """

    def __init__(self, *, folder: str, warm_up: int = 10, steps: int = 50) -> None:
        self.file, self.warm_up, self.steps = Path(folder) / "profile.md", max(1, warm_up), steps
        self._seen = 0
        self._counter: FlopCounterMode | None = None
        self._before: Any = None  # the trainer's own profiler, while ours replaces it
        self._phases: Phases | None = None

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        if self._seen == self.warm_up - 1:
            self._counter = FlopCounterMode(display=False)
            self._eager = torch.compiler.set_stance("force_eager")  # compiled kernels are not counted
            self._eager.__enter__()
            self._counter.__enter__()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        self._seen += 1
        if self._seen == self.warm_up:
            self._counter.__exit__(None, None, None)
            self._eager.__exit__(None, None, None)
            on_gpu = pl_module.device.type == "cuda"
            self._before, self._phases = trainer.profiler, Phases(torch.cuda.synchronize if on_gpu else None)
            trainer.profiler = self._phases
        elif self._seen == self.warm_up + self.steps:
            self._report(trainer, pl_module)

    def on_validation_start(self, *_: Any) -> None:
        if self._phases is not None:
            self._phases.pause()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._phases is not None:
            self._report(trainer, pl_module)
        elif self._seen < self.warm_up + 1 and trainer.is_global_zero:
            print(f"profile: the run ended within its {self.warm_up} warm-up steps; nothing was measured")

    def _report(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        phases, self._phases = self._phases, None
        phases.pause()
        trainer.profiler = self._before
        batches = self._seen - self.warm_up
        if not batches or not trainer.is_global_zero:
            return
        dtype = computed_in(str(trainer.precision))
        seconds = {name: value / batches for name, value in phases.seconds.items()}
        text = report(seconds, self._counter.get_total_flops(), peak(pl_module.device, dtype), dtype, workers(trainer))
        print(f"\n{text}")
        with whole(self.file) as temporary:
            temporary.write_text(text + "\n")


def report(seconds: dict[str, float], flops: float, peak: float, dtype: torch.dtype, n_workers: int) -> str:
    """A table of the phases, the achieved FLOP/s, and advice.

    Args:
        seconds: time per batch and phase.
        flops: floating-point operations of the forward and backward pass of one batch.
        peak: FLOP/s of a matrix product on this device.
        dtype: number type of both.
        n_workers: number of data loader workers.
    """
    total = sum(seconds.values())
    shares = {name: value / total for name, value in seconds.items()}
    rows = [["where a step's time goes", "ms", "%"]]
    rows += [[name, f"{1e3 * value:.2f}", f"{100 * shares[name]:.1f}"] for name, value in seconds.items()]
    rows.append(["a step", f"{1e3 * total:.2f}", "100.0"])
    name = str(dtype).removeprefix("torch.")
    reached = f"{flops / 1e9:.2f} GFLOP per step, {_per_second(flops / total)} of {_per_second(peak)} ({name}), which a matrix "
    return f"{markdown(rows)}\n{reached}product reaches here: {flops / total / peak:.0%}\n{advice(shares, n_workers)}"


def advice(shares: dict[str, float], n_workers: int) -> str:
    """One sentence on the bottleneck: a phase other than the network that takes a visible part of the step."""
    waiting, made, rest = (shares[name] for name in ("waiting for data", "degradation, augmentation", REST))
    computing = 1 - waiting - made - rest - shares["copy to the device"]
    if max(waiting, made, rest) < 0.15 or computing > 0.8:
        return "compute-bound: a smaller network, trainer.precision=auto, model.compile=true or a faster device would help"
    if waiting >= max(made, rest):
        cpus = os.cpu_count() or 1
        more = f"add workers (data.n_workers={min(max(2 * n_workers, 2), cpus)})"
        most = "all CPUs are workers already; use fewer large files, or a smaller degradation margin"
        return f"data-bound: {waiting:.0%} of a step waits for patches; {more if n_workers < cpus else most}"
    if made >= rest:
        return f"data-bound: {made:.0%} of a step degrades and augments; a cheaper degradation or LR files (data.lr) help"
    return f"overhead-bound: {rest:.0%} of a step is neither data nor computation; a larger data.batch_size or patch would help"


def workers(trainer: pl.Trainer) -> int:
    return trainer.train_dataloader.num_workers


def computed_in(precision: str) -> torch.dtype:
    """The number type in which a precision of Lightning's Trainer multiplies."""
    halves = {"bf16": torch.bfloat16, "16": torch.float16, "64": torch.float64}
    return next((dtype for name, dtype in halves.items() if precision.startswith(name)), torch.float32)


def peak(device: torch.device, dtype: torch.dtype, seconds: float = 0.5) -> float:
    """FLOP/s of a square matrix product: the fastest of those that fit into the time."""
    side = 8192 if device.type == "cuda" else 1024
    a = torch.ones(side, side, device=device, dtype=dtype)
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end or best == float("inf"):
        start = time.perf_counter()
        _wait(a @ a)
        best = min(best, time.perf_counter() - start)
    return 2 * side**3 / best


def _wait(result: Tensor) -> None:
    if result.is_cuda:
        torch.cuda.synchronize(result.device)


def _per_second(flops: float) -> str:
    return f"{flops / 1e12:.1f} TFLOP/s" if flops >= 1e12 else f"{flops / 1e9:.1f} GFLOP/s"
