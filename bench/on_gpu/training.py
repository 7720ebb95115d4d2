"""Steps of real recipes: the LightningModules of conf/model, with real data, callbacks, optimizers and averages."""

import copy
import time
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig
from torch.utils.flop_counter import FlopCounterMode

from common import Watch
from on_gpu.results import NotHereError, Results
from recipe import composed
from sr import build
from sr.device.float32 import float32
from sr.device.speed import has_tf32
from sr.plugin.profiler import Phases

VGG = "loss.perceptual.weights=random"  # the work is the same, and nothing is downloaded
NARROW = ["network.n_feats=8", "network.n_blocks=1"]
GAN = [*NARROW, "network.growth=4", "discriminator=unet", "discriminator.n_feats=4", "++loss.perceptual.layers.conv1_2=1"]
GAN += ["loss.perceptual.layers.conv5_4=0", "data.patch_size=8"]
TRANSFORMER = ["network.n_feats=12", "network.n_blocks=1", "network.options.depths=1", "network.options.num_heads=2"]
HAT = ["network.options.window_size=8", "network.options.squeeze_factor=4"]
# Recipe -> its words on a GPU, and those that make it tiny. Batches as the papers' for one of their GPUs, and their patches.
CASES = {
    "edsr_baseline": ([], [*NARROW, "data.patch_size=12"]),
    "rrdb": ([], [*NARROW, "network.growth=4", "data.patch_size=8"]),  # 16 patches of 128x128 HR
    "swinir_light": (["data.batch_size=8"], [*TRANSFORMER, "data.patch_size=8"]),
    "hat": (["data.batch_size=8", "scale=4"], [*TRANSFORMER, *HAT, "data.patch_size=8"]),
    "esrgan": ([VGG], [VGG, *GAN]),
    "realesrgan": (["data.batch_size=12", VGG], [VGG, *GAN]),
}
PROFILED = 20  # steps, at most
TINY = ["data.batch_size=1", "data.n_workers=0"]


@dataclass(frozen=True)
class Form:
    """How a recipe is run.

    Args:
        precision: `trainer.precision`.
        peak: the precision whose measured peak it is compared with.
        compile: `model.compile`.
        layout: of the network and of its batches; the framework's is channels last.
        strategy: `trainer.strategy`.
    """

    precision: str
    peak: str
    compile: bool | str = False
    layout: torch.memory_format = torch.channels_last
    strategy: str = "auto"


FORMS = {
    "float32": Form("32-true", "float32"),
    "tf32": Form("32-true", "tf32"),
    "bf16": Form("bf16-mixed", "bf16"),
    "bf16 ddp": Form("bf16-mixed", "bf16", strategy="ddp"),
    "bf16 compile": Form("bf16-mixed", "bf16", compile=True),
    "bf16 contiguous": Form("bf16-mixed", "bf16", layout=torch.contiguous_format),
}


class Pace(pl.Callback):
    """Steps that do not count, then as many as fit into `seconds`, then some in which the host's time is told apart.

    Args:
        warm_up: the steps at the start; in the second of them operations are counted, if `count`.
    """

    def __init__(self, seconds: float, warm_up: int, form: Form, count: bool) -> None:
        self.seconds, self.warm_up, self.form = seconds, warm_up, form
        self.counter = FlopCounterMode(display=False) if count else None
        self.flops: float | None = None
        self.steps, self.timed, self.took, self.waited = 0, 0, 0.0, 0.0
        self.phases: Phases | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.kind = pl_module.device.type
        if self.kind == "cuda":
            torch.cuda.reset_peak_memory_stats()
        if self.form.layout != torch.channels_last:
            pl_module.to(memory_format=self.form.layout)
        self.watch = Watch(self.kind)

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, *_: Any) -> None:
        if self.form.layout != torch.channels_last:
            batch |= {key: batch[key].contiguous() for key in ("lr", "hr")}
        if self.counter is not None and self.steps == 1:
            self.counter.__enter__()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if self.counter is not None and self.steps == 1:
            self.counter.__exit__(None, None, None)
            self.flops = float(self.counter.get_total_flops())
        self.steps += 1
        if self.steps == self.warm_up:
            self.watch.look()
            self.end = time.perf_counter() + self.seconds
        elif self.steps > self.warm_up and self.phases is None and time.perf_counter() > self.end:
            self.took, _ = self.watch.look()
            self.timed = self.steps - self.warm_up
            trainer.profiler = self.phases = Phases()
            self.last = self.steps + min(self.timed, PROFILED)
        elif self.phases is not None and self.steps == self.last:
            self.waited = self.phases.seconds["waiting for data"] / min(self.timed, PROFILED)
            trainer.should_stop = True

    def on_train_end(self, *_: Any) -> None:
        self.memory = torch.cuda.max_memory_allocated() if self.kind == "cuda" else None


class Training:
    """Measures recipes, composed once each, with data in one folder.

    Args:
        results: what has been measured, such as the peaks.
        seconds, warm_up: of each, see Pace.
    """

    def __init__(self, folder: Path, results: Results, tiny: bool, seconds: float, warm_up: int) -> None:
        self.folder, self.results, self.tiny, self.seconds, self.warm_up = folder, results, tiny, seconds, warm_up
        self.flops: dict[str, float] = {}
        self.config = cache(self._config)

    def _config(self, case: str) -> DictConfig:
        full, tiny = CASES[case]
        words = [*tiny, *TINY] if self.tiny else full
        return composed(self.folder, f"model={case}", *words, "trainer.max_steps=1000000")

    def __call__(self, case: str, form: Form) -> dict[str, Any]:
        """The values of a row; `share` is of the peak that was measured in the same precision."""
        kind = "cuda" if torch.cuda.is_available() else "cpu"
        if form.peak == "tf32" and not has_tf32(kind):
            raise NotHereError(f"no TF32 on this device ({kind})")
        cfg = copy.deepcopy(self.config(case))
        compiled = "aot_eager" if form.compile and self.tiny else form.compile  # a compiler would take a minute
        cfg.trainer.precision, cfg.trainer.strategy, cfg.model.compile = form.precision, form.strategy, compiled
        build.seed(cfg)
        data, model = build.data(cfg), build.model(cfg)
        trainer = build.trainer(cfg, model)
        pace = Pace(self.seconds, self.warm_up, form, case not in self.flops and not form.compile)
        trainer.callbacks.append(pace)
        try:
            with float32(kind) if form.peak == "float32" else nullcontext(), redirect_stdout(StringIO()):
                build.fit(trainer, model, data)
        finally:
            if torch.distributed.is_initialized():
                torch.distributed.destroy_process_group()
            torch.compiler.reset()
        if pace.flops:
            self.flops[case] = pace.flops
        step = pace.took / pace.timed
        speed = self.flops[case] / step / 1e12 if case in self.flops else None
        peak = self.results.value("peak", form.peak, "TFLOP/s")
        return {
            "batch": cfg.data.batch_size,
            "patch": cfg.data.patch_size,
            "images/s": cfg.data.batch_size / step,
            "step, ms": 1e3 * step,
            "waits for data, ms": 1e3 * pace.waited,
            "peak memory, MB": pace.memory and pace.memory / 1e6,
            "TFLOP/s": speed,
            "share of the peak": speed and peak and speed / peak,
            "steps": pace.timed,
        }
