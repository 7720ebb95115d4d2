"""Short adversarial runs on real photographs: the recipe of ESRGAN with tiny networks."""

from pathlib import Path
from typing import Any

import torch

from sr import build
from tests.jobs import compose

SHORT = (  # a run of six steps on the CPU that validates twice
    "data.n_workers=0",
    "callback=[checkpoint]",
    "metric=[psnr]",
    "logger=none",
    "trainer.accelerator=cpu",
    "trainer.precision=32-true",
    "trainer.max_steps=6",
    "trainer.val_check_interval=3",
    "trainer.limit_val_batches=1",
    "trainer.log_every_n_steps=1",
)
TINY = (
    "network=rrdb_light",
    "network.n_feats=8",
    "network.n_blocks=1",
    "network.growth=4",
    "discriminator=unet",
    "discriminator.n_feats=4",
    "loss.perceptual.weights=random",
    "loss.perceptual.layers.conv5_4=0",
    "+loss.perceptual.layers.conv1_2=1",
    "optimizer.lr=1e-3",
    "discriminator_optimizer.lr=1e-3",
    "data.batch_size=4",
    "data.patch_size=8",
    *SHORT,
)


def fit(folder: Path, *overrides: str, model: str = "esrgan", resume: Path | None = None, watch: Any = None) -> tuple[Any, Any]:
    """Train; the trainer and the module as they are after it. `watch`: a callback of the test's own."""
    cfg = compose("train", f"model={model}", *TINY, *overrides, f"output_dir={folder}", f"data_dir={folder.parent}/data")
    return trained(cfg, resume, watch)


def trained(cfg: Any, resume: Path | None = None, watch: Any = None) -> tuple[Any, Any]:
    """The same for any config."""
    build.seed(cfg)
    data, module = build.data(cfg), build.model(cfg)
    trainer = build.trainer(cfg, module)
    if watch is not None:
        trainer.callbacks.append(watch)
    build.fit(trainer, module, data, resume=str(resume) if resume else None)
    return trainer, module


def distance(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> float:
    """Relative norm of the difference of two sets of weights."""
    assert ours.keys() == theirs.keys()
    ours, theirs = (torch.cat([w[key].double().flatten() for key in ours]) for w in (ours, theirs))
    return float((ours - theirs).norm() / theirs.norm())
