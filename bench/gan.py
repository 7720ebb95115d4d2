"""One iteration of adversarial training, beside the same networks and losses in a bare PyTorch loop.

    OMP_NUM_THREADS=1 python bench/gan.py                              # a minute on a CPU
    python bench/gan.py --device cuda --network rrdb --batch 16 --patch 32 --iterations 100

Both train ESRGAN's recipe on one batch that stays on the device: L1, VGG-19 features (random weights: the work is the
same) and a relativistic discriminator, two Adam optimizers. The loop of Lightning, with logging of all losses and of both
gradient norms, is inside the measured time; data loading is not. Rounds of both take turns, and medians are compared.
"""

import argparse
import platform
import statistics
import tempfile
import time
from types import SimpleNamespace
from typing import Any

import hydra
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

from sr import build
from sr.adversarial.ragan import ragan_discriminator, ragan_generator
from sr.callback.log import Log
from sr.cli import CONF


class OneBatch(pl.LightningDataModule):
    """The same batch for ever."""

    def __init__(self, batch: dict[str, torch.Tensor], patch: int, scale: int) -> None:
        super().__init__()
        self.batch, self.scale, self.batch_size, self.accumulate = batch, scale, len(batch["lr"]), 1
        self.phases = (SimpleNamespace(patch_size=patch),)

    def train_dataloader(self) -> DataLoader:
        return DataLoader(_Endless(self.batch), batch_size=None)


class _Endless(torch.utils.data.IterableDataset):
    def __init__(self, batch: dict[str, torch.Tensor]) -> None:
        self.batch = batch

    def __iter__(self) -> Any:
        while True:
            yield self.batch


class Clock(pl.Callback):
    """Seconds of each iteration, from one end to the next."""

    def __init__(self, device: str) -> None:
        self.device, self.ends = device, []

    def on_train_batch_end(self, *_: Any) -> None:
        self.ends.append(now(self.device))


def now(device: str) -> float:
    """Seconds; on the CPU of this process's work, so that others on the machine do not count."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def framework(cfg: Any, batch: dict[str, torch.Tensor], options: argparse.Namespace) -> list[float]:
    """Seconds of the iterations of trainer.fit."""
    model, clock = build.model(cfg), Clock(options.device)
    trainer = pl.Trainer(
        accelerator="gpu" if options.device == "cuda" else "cpu", devices=1, max_steps=options.iterations + 3,
        precision=options.precision, callbacks=[Log(every_n_steps=50), clock], logger=False, enable_progress_bar=False,
        enable_checkpointing=False, enable_model_summary=False, limit_val_batches=0, default_root_dir=tempfile.gettempdir(),
    )  # fmt: skip
    trainer.fit(model, datamodule=OneBatch(batch, options.patch, cfg.scale))
    return [after - before for before, after in zip(clock.ends[2:], clock.ends[3:], strict=False)]


def bare(cfg: Any, batch: dict[str, torch.Tensor], options: argparse.Namespace) -> list[float]:
    """Seconds of the iterations of the loop that one would write by hand, as ESRGAN's authors did."""
    device = options.device
    network, discriminator = build.build(cfg.network).to(device), build.build(cfg.discriminator).to(device)
    perceptual = build.build(cfg.loss.perceptual).to(device)
    adam_g = torch.optim.Adam(network.parameters(), lr=1e-4)
    adam_d = torch.optim.Adam(discriminator.parameters(), lr=1e-4)
    lr, hr = batch["lr"], batch["hr"]
    autocast = torch.autocast(device, torch.bfloat16, enabled=options.precision == "bf16-mixed")
    ends = []
    for _ in range(options.iterations + 3):
        with autocast:
            for p in discriminator.parameters():
                p.requires_grad = False
            sr = network(lr)
            with torch.no_grad():
                real = discriminator(hr)
            loss = 0.01 * F.l1_loss(sr.float(), hr) + perceptual(sr, hr)
            loss = loss + 0.005 * ragan_generator(discriminator(sr).float(), real.float())
        adam_g.zero_grad()
        loss.backward()
        adam_g.step()
        with autocast:
            for p in discriminator.parameters():
                p.requires_grad = True
            loss = ragan_discriminator(discriminator(hr).float(), discriminator(sr.detach()).float())
        adam_d.zero_grad()
        loss.backward()
        adam_d.step()
        ends.append(now(device))
    return [after - before for before, after in zip(ends[2:], ends[3:], strict=False)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--network", default="rrdb_light")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--patch", type=int, default=16, help="LR pixels, x4; the HR patch is a multiple of 32")
    parser.add_argument("--precision", default="32-true", choices=["32-true", "bf16-mixed"])
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    build.quiet()
    words = ["model=esrgan", f"network={options.network}", "loss.perceptual.weights=random", "model.ema=null"]
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = hydra.compose("train", [*words, f"data.patch_size={options.patch}", "metric=[psnr]", "logger=none"])
    generator = torch.Generator().manual_seed(0)
    sides = {"lr": options.patch, "hr": 4 * options.patch}
    batch = {
        name: torch.rand(options.batch, 3, side, side, generator=generator).to(options.device) for name, side in sides.items()
    }
    seconds: dict[str, list[float]] = {"framework": [], "bare loop": []}
    for _ in range(options.rounds):
        seconds["bare loop"] += bare(cfg, batch, options)
        seconds["framework"] += framework(cfg, batch, options)
    device = torch.cuda.get_device_name() if options.device == "cuda" else platform.processor() or platform.machine()
    versions = f"torch {torch.__version__}, Lightning {pl.__version__}"
    print(f"{device}, {torch.get_num_threads()} threads, {options.precision}, {versions}")
    print(f"{options.network}, discriminator vgg, batch {options.batch}, LR patch {options.patch}")
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, value in medians.items():
        print(f"{name:10} {1000 * value:8.1f} ms an iteration")
    print(f"overhead   {100 * (medians['framework'] / medians['bare loop'] - 1):+8.1f} %")


if __name__ == "__main__":
    main()
