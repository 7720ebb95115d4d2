"""Tests that run on the CPU and, marked `gpu`, on a GPU: the same function with the device as an argument."""

from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl

from sr.device.float32 import float32
from tests.jobs import ONE_PHOTO, SMALL, compose
from tests.model.gan_job import fit, trained

ACCELERATORS = {"cpu": "cpu", "cuda": "gpu"}


def on_both(
    names: str,
    cases: Collection[Any],
    *,
    fast: Collection[Any] = (),
    medium: Collection[Any] = (),
    only_gpu: Collection[Any] = (),
) -> pytest.MarkDecorator:
    """Parametrize `device` and `names`: of one argument, or of several, whose cases are tuples.

    Args:
        fast, medium: cases that are so on the CPU; the others are slow there.
        only_gpu: cases that a CPU does not have.
    """
    found = []
    for case in [*cases, *only_gpu]:
        values = case if isinstance(case, tuple) else (case,)
        mark = () if case in fast else pytest.mark.medium if case in medium else pytest.mark.slow
        found += [] if case in only_gpu else [pytest.param("cpu", *values, marks=mark)]
        found.append(pytest.param("cuda", *values, marks=pytest.mark.gpu))
    return pytest.mark.parametrize(f"device,{names}", found)


def fit_on(device: str, kind: str, folder: Path, *overrides: str, **options: Any) -> tuple[pl.Trainer, pl.LightningModule]:
    """Train in true float32, or what `trainer.precision` says, on a device: "pixels" or "gan"."""
    watch = options.pop("watch", TrueFloat32())
    words = [f"trainer.accelerator={ACCELERATORS[device]}", *overrides]
    if kind == "gan":
        return fit(folder, *words, watch=watch, **options)
    own = ["metric=[psnr]", f"output_dir={folder}", f"data_dir={folder.parent}/data"]
    return trained(compose("train", *SMALL, *ONE_PHOTO, *words, *own), watch=watch, **options)


class TrueFloat32(pl.Callback):
    """Training without TF32, which a GPU has by default; half precision stays."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.inside = ExitStack()
        self.inside.enter_context(float32(pl_module.device.type))

    def on_train_end(self, *_: Any) -> None:
        self.inside.close()
