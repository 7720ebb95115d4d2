"""One iteration of adversarial training, beside the same networks and losses in a bare PyTorch loop.

    OMP_NUM_THREADS=1 python bench/gan.py                              # a minute or two on a CPU
    python bench/gan.py --device cuda --network rrdb --batch 16 --patch 32 --iterations 100

Both train ESRGAN's recipe from the same weights on one batch that stays on the device: L1, VGG-19 features (random weights:
the work is the same), a relativistic discriminator, two Adam optimizers with their schedules, averaged weights. Lightning's
loop, the callbacks of the recipe that look at every step, and both gradient norms are inside the measured time of the
framework; data loading is not. The two take turns iteration by iteration, so that whatever else the machine does falls on
both; the overhead is the median of the ratio of each pair.
"""

import argparse
import copy
import statistics
import tempfile
import time
from typing import Any

import hydra
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, IterableDataset

from common import say
from sr import build
from sr.adversarial.ragan import ragan_discriminator, ragan_generator
from sr.callback.finite import Finite
from sr.callback.log import Log
from sr.callback.watch import Watch
from sr.cli import CONF
from sr.data.plan import Phase, Plan

WARM_UP = 5  # iterations that are not counted: the first are slower


class OneBatch(pl.LightningDataModule):
    """The same batch for ever."""

    def __init__(self, batch: dict[str, torch.Tensor], patch: int, scale: int) -> None:
        super().__init__()
        self.batch, self.scale, self.batch_size, self.accumulate = batch, scale, len(batch["lr"]), 1
        self.phases = (Phase(0, patch, len(batch["lr"])),)
        self.plan = Plan(0, self.phases)

    def train_dataloader(self) -> DataLoader:
        return DataLoader(_Endless(self.batch), batch_size=None)


class _Endless(IterableDataset):
    def __init__(self, batch: dict[str, torch.Tensor]) -> None:
        self.batch = batch

    def __iter__(self) -> Any:
        while True:
            yield self.batch


class Bare:
    """The loop that one would write by hand, as ESRGAN's authors did; it starts from the module's weights."""

    def __init__(self, model: Any, batch: dict[str, torch.Tensor], options: argparse.Namespace) -> None:
        self.network, self.discriminator = copy.deepcopy(model.network), copy.deepcopy(model.discriminator)
        self.perceptual = model.loss.losses["perceptual"]
        self.average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(0.999), use_buffers=True)
        self.optimizers = [torch.optim.Adam(part.parameters(), lr=1e-4) for part in (self.network, self.discriminator)]
        self.schedules = [torch.optim.lr_scheduler.MultiStepLR(optimizer, [50000], 0.5) for optimizer in self.optimizers]
        self.batch, self.device, self.bf16 = batch, options.device, options.precision == "bf16-mixed"

    def iteration(self) -> None:
        lr, hr = self.batch["lr"], self.batch["hr"]
        with torch.autocast(self.device, torch.bfloat16, enabled=self.bf16):
            for p in self.discriminator.parameters():
                p.requires_grad = False
            sr = self.network(lr)
            with torch.no_grad():
                real = self.discriminator(hr)
            loss = 0.01 * F.l1_loss(sr.float(), hr) + self.perceptual(sr, hr)
            loss = loss + 0.005 * ragan_generator(self.discriminator(sr).float(), real.float())
        self.optimizers[0].zero_grad()
        loss.backward()
        with torch.autocast(self.device, torch.bfloat16, enabled=self.bf16):
            for p in self.discriminator.parameters():
                p.requires_grad = True
            loss = ragan_discriminator(self.discriminator(hr).float(), self.discriminator(sr.detach()).float())
        self.optimizers[1].zero_grad()
        loss.backward()
        for optimizer, schedule in zip(self.optimizers, self.schedules, strict=True):
            optimizer.step()
            schedule.step()
        self.average.update_parameters(self.network)


class Turns(pl.Callback):
    """After each iteration of the framework, one of the bare loop; seconds of both."""

    def __init__(self, batch: dict[str, torch.Tensor], options: argparse.Namespace) -> None:
        self.batch, self.options = batch, options
        self.framework: list[float] = []
        self.bare: list[float] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.loop = Bare(pl_module, self.batch, self.options)
        self.since = now(self.options.device)

    def on_train_batch_end(self, *_: Any) -> None:
        middle = now(self.options.device)
        self.loop.iteration()
        end = now(self.options.device)
        self.framework.append(middle - self.since)
        self.bare.append(end - middle)
        self.since = now(self.options.device)


def now(device: str) -> float:
    """Seconds; on the CPU of this process's work, so that others on the machine do not count."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def measure(cfg: Any, batch: dict[str, torch.Tensor], options: argparse.Namespace) -> tuple[Turns, float]:
    """Seconds of the iterations of both, and how far their weights are apart after them (relative norm)."""
    model, turns = build.model(cfg), Turns(batch, options)
    trainer = pl.Trainer(
        accelerator="gpu" if options.device == "cuda" else "cpu", devices=1, max_steps=WARM_UP + options.iterations,
        precision=options.precision, callbacks=[Finite(), Log(), Watch(), turns], logger=False, enable_progress_bar=False,
        enable_checkpointing=False, enable_model_summary=False, limit_val_batches=0, default_root_dir=tempfile.gettempdir(),
    )  # fmt: skip
    trainer.fit(model, datamodule=OneBatch(batch, options.patch, cfg.scale))
    pairs = zip(model.network.cpu().parameters(), turns.loop.network.cpu().parameters(), strict=True)
    ours, theirs = (torch.cat([p.detach().flatten() for p in side]) for side in zip(*pairs, strict=True))
    return turns, float((ours - theirs).norm() / theirs.norm())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--network", default="rrdb_light")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--patch", type=int, default=16, help="LR pixels, x4; the HR patch is a multiple of 32")
    parser.add_argument("--precision", default="32-true", choices=["32-true", "bf16-mixed"])
    parser.add_argument("--iterations", type=int, default=40)
    options = parser.parse_args()
    build.quiet()
    words = ["model=esrgan", f"network={options.network}", "loss.perceptual.weights=random", "metric=[psnr]", "logger=none"]
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = hydra.compose("train", [*words, f"data.patch_size={options.patch}"])
    torch.manual_seed(0)
    sides = {"lr": options.patch, "hr": 4 * options.patch}
    batch = {
        name: torch.rand(options.batch, 3, side, side).to(options.device, memory_format=torch.channels_last)
        for name, side in sides.items()
    }
    turns, apart = measure(cfg, batch, options)
    say()
    print(f"{options.precision}, {options.iterations} pairs, ", end="")
    print(f"{options.network}, discriminator vgg, batch {options.batch}, LR patch {options.patch}")
    framework, bare = turns.framework[WARM_UP:], turns.bare[WARM_UP:]
    ratios = sorted(ours / theirs - 1 for ours, theirs in zip(framework, bare, strict=True))
    quarter = len(ratios) // 4
    for name, values in (("framework", framework), ("bare loop", bare)):
        print(f"{name:10} {1000 * statistics.median(values):8.1f} ms an iteration")
    middle = f"middle half of the pairs {100 * ratios[quarter]:+.1f} to {100 * ratios[-1 - quarter]:+.1f} %"
    print(f"overhead   {100 * statistics.median(ratios):+8.1f} %  ({middle})")
    print(f"apart      {apart:8.1e}  relative norm of the difference of the networks' weights at the end")


if __name__ == "__main__":
    main()
