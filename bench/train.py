"""A training step through the whole framework, beside a bare PyTorch loop with the same mathematics in the same process.

    OMP_NUM_THREADS=2 python bench/train.py quick=true          # a minute on 2 cores
    OMP_NUM_THREADS=2 python bench/train.py                     # ten minutes
    python bench/train.py only=rcan,imdn precision=bf16-mixed   # any recipes; other words go to the config: model.compile=true
    python bench/train.py only=all quick=true                   # every recipe with something to train and one optimizer

The framework reads photographs, degrades and augments them, and has its callbacks, logger and average of weights; the bare
loop has finished batches in memory, and the same average, clipping and schedule. They take turns step by step, so that what
else the machine does falls on both. `activations_mb` is what the forward pass keeps for the backward one, `waiting_ms` how
long a step waited for data, `device_part_ms` how long degrading and augmenting a batch took, which the bare loop has not.
"""

import copy
import re
import sys
import tempfile
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from common import Watch, activations, compared, options, record, say
from recipe import composed
from sr import build
from sr.cli import CONF
from sr.functional.color import rgb_to_y
from sr.functional.denoising import target
from sr.model.diffusion import Diffusion
from sr.plugin.profiler import Phases

EMA = 0.999
# network -> words of the config, pairs; what `quick` has instead. Recipes' own patches; batches that fit into minutes.
JOBS = {
    "compact": ([], 60, [], 20),
    "edsr_baseline": ([], 20, ["data.batch_size=4"], 8),
    "rrdb": (["data.batch_size=4"], 10, ["data.batch_size=1"], 5),
    "swinir_light": (["data.batch_size=4"], 10, ["data.batch_size=1"], 5),
}
OTHERS = (["data.batch_size=4"], 10, ["data.batch_size=1"], 5)


class Bare:
    """What one would write by hand. It starts from the module's weights and uses its optimizer and schedule."""

    def __init__(self, model: Any, batches: Iterator[dict[str, Tensor]], clip: float | None, dtype: torch.dtype | None) -> None:
        self.network = copy.deepcopy(model.network)
        self.called = torch.compile(self.network, dynamic=False) if model._how else self.network
        self.optimizer = model.optimizer(self.network.parameters())
        self.schedule = model.schedule(self.optimizer)
        self.average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(EMA), use_buffers=True)
        self.loss = F.l1_loss if list(model.loss.losses) == ["l1"] else lambda sr, hr: model.loss(sr, hr)[0]
        self.batches, self.clip, self.dtype = batches, clip, dtype

    def compared(self, batch: dict[str, Tensor]) -> Tensor:
        """The loss of a batch."""
        return self.loss(self.called(batch["lr"]).float(), batch["hr"])

    def step(self) -> None:
        batch = next(self.batches)
        with torch.autocast(batch["lr"].device.type, self.dtype, enabled=self.dtype is not None):
            loss = self.compared(batch)
        self.optimizer.zero_grad()
        loss.backward()
        if self.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.clip)
        self.optimizer.step()
        self.schedule.step()
        self.average.update_parameters(self.network)


class BareDenoiser(Bare):
    """The same for a network that samples: HR with noise of a random level, and what the denoiser makes of it."""

    def compared(self, batch: dict[str, Tensor]) -> Tensor:
        network, hr = self.network, batch["hr"]
        origin = F.interpolate(batch["lr"], scale_factor=network.scale, mode="bicubic")
        clean, noise = network.diffused(hr, origin), torch.randn_like(hr)
        level = network.levels.at(torch.rand(len(hr))).like(hr)
        output = network.output(level.signal * clean + level.noise * noise, origin, level)
        return self.loss(output, target(network.prediction, clean, noise, level))


class Turns(pl.Callback):
    """After each step of the framework, one of the bare loop; the last of the callbacks."""

    def __init__(self, clip: float | None, steps: int) -> None:
        self.clip, self.steps = clip, steps
        self.ours: list[tuple[float, float]] = []
        self.bare: list[tuple[float, float]] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        data = trainer.datamodule
        made = islice(iter(data.train_dataloader()), 8)
        moved = [trainer.strategy.batch_to_device(batch, dataloader_idx=0) for batch in made]
        if pl_module.channel == "y":
            moved = [{name: rgb_to_y(batch[name]) for name in ("lr", "hr")} for batch in moved]
        kind = pl_module.device.type
        half = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(str(trainer.precision))
        bare = BareDenoiser if isinstance(pl_module, Diffusion) else Bare
        self.loop = bare(pl_module, cycle(moved), self.clip, half)
        self.kept = activations(pl_module.network, moved[0]["lr"], half)
        if kind == "cuda":
            torch.cuda.reset_peak_memory_stats()
        self.watch = Watch(kind)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self.ours.append(self.watch.look())
        self.loop.step()
        self.bare.append(self.watch.look())
        if len(self.ours) == self.steps:  # only now: it takes time itself
            trainer.profiler = self.phases = Phases()
            self.watch.look()


def measure(name: str, words: list[str], pairs: int, precision: str) -> None:
    warm_up = max(3, pairs // 6)
    with tempfile.TemporaryDirectory() as folder:
        steps = [f"trainer.max_steps={pairs + 2 * warm_up}", f"model.ema={EMA}", f"trainer.precision={precision}"]
        cfg = composed(folder, *words, *steps)
        build.seed(cfg)
        data, model = build.data(cfg), build.model(cfg)
        trainer = build.trainer(cfg, model)
        turns = Turns(cfg.trainer.gradient_clip_val, warm_up + pairs)
        trainer.callbacks.append(turns)
        trainer.fit(model, datamodule=data)
    found = compared(turns.ours[warm_up:-warm_up], turns.bare[warm_up:-warm_up])
    on_gpu = model.device.type == "cuda"
    record(
        "train", network=name, precision=str(trainer.precision), words=" ".join(words), batch=cfg.data.batch_size,
        patch=cfg.data.patch_size, scale=cfg.scale, images_per_second=1e3 * cfg.data.batch_size / found["ours_clock_ms"],
        waiting_ms=1e3 * turns.phases.seconds["waiting for data"] / warm_up,
        device_part_ms=1e3 * turns.phases.seconds["degradation, augmentation"] / warm_up, activations_mb=turns.kept / 1e6,
        peak_mb=torch.cuda.max_memory_allocated() / 1e6 if on_gpu else None, **found,
    )  # fmt: skip


def main() -> None:
    said = options(__doc__, "quick", "precision", "only", config=True)
    quick, precision = said.pop("quick", "") == "true", said.pop("precision", None)
    chosen = said.pop("only", ",".join(JOBS)).split(",")
    texts = {file.stem: file.read_text() for file in sorted((CONF / "model").glob("*.yaml"))}
    ours = re.compile("module/(regression|diffusion)")
    recipes = [name for name, text in texts.items() if ours.search(text) and "/network: interpolation" not in text]
    chosen = recipes if chosen == ["all"] else chosen
    if wrong := set(chosen) - set(recipes):
        sys.exit(f"only={wrong.pop()}: choose from {', '.join(recipes)}; gan.py measures adversarial training")
    build.quiet()
    say()
    more = [f"{key}={value}" for key, value in said.items()]
    for name in chosen:
        full, pairs, fast, fewer = JOBS.get(name, OTHERS)
        both = ["32-true", "bf16-mixed"] if not quick or name == "compact" else ["bf16-mixed"]
        for kind in [precision] if precision else both:
            measure(name, [f"model={name}", *(fast if quick else full), *more], fewer if quick else pairs, kind)


if __name__ == "__main__":
    main()
