"""LightningDataModule of evaluation sets, for validation and test."""

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
from torch.utils.data import DataLoader

from sr.data.kept import Kept, Loader, Memory
from sr.data.share import limited, share
from sr.data.split import Held
from sr.errors import InputError
from sr.image.kind import PHOTO, Kind


class Benchmarks(pl.LightningDataModule):
    """Evaluation sets for validation and test.

    Args:
        benchmark: name -> images, index -> {"name", "lr" (C, h, w), "hr" (C, H, W)}, of the kind's type, and further keys;
            measured at the test. A set with `has_hr = False` gives "scale" in place of "hr". One of clips has `clips = True`
            and gives "frames", their number, with "lr" (T, C, h, w) and "hr" (T, C, H, W).
        validation: the same, measured during training; empty or None: the benchmarks.
        limit_val, limit_test: number of images measured per set at validations and at the test (`sr.data.share`). The set is
            limited first, then shared among the processes, so any number of them measures the same images.
        kind: the pixel format.

    Images of files are decoded once, and stay in memory for the next validation and the test, up to 1 GiB (`sr.data.kept`).
    """

    def __init__(
        self,
        *,
        benchmark: Mapping[str, Any],
        validation: Mapping[str, Any] | None = None,
        kind: Kind = PHOTO,
        limit_val: float | int | None = None,
        limit_test: float | int | None = None,
    ) -> None:
        super().__init__()
        self.benchmark, self.validation, self.kind = dict(benchmark), dict(validation or {}), kind
        self._limits, self._memory = {"val": limit_val, "test": limit_test}, Memory()

    def prepare_data(self) -> None:
        """Check early, in one process, that the sets exist and are complete."""
        for images in (*self.benchmark.values(), *self.validation.values()):
            images.prepare()

    def sets(self, stage: str) -> dict[str, Any]:
        """The sets measured at a stage, "val" or "test", in the order of the loaders."""
        sets = self.validation if stage == "val" else {}
        return {name: images for name, images in sets.items() if not isinstance(images, Held) or images.items} or self.benchmark

    def counts(self, stage: str) -> dict[str, int]:
        """Number of images measured per set by all processes together; `stage` is "val" or "test"."""
        key = f"trainer.limit_{stage}_batches"
        return {name: limited(len(images), self._limits[stage], key, name) for name, images in self.sets(stage).items()}

    def val_dataloader(self) -> list[DataLoader]:
        """One loader per validation set, for the images that this process measures."""
        return self._loaders("val")

    def test_dataloader(self) -> list[DataLoader]:
        """The same for the benchmarks."""
        return self._loaders("test")

    def _loaders(self, stage: str) -> list[DataLoader]:
        rank, world, device = self.trainer.global_rank, self.trainer.world_size, self.trainer.strategy.root_device.type
        counts = self.counts(stage)
        shares = [(images, share(counts[name], rank, world)) for name, images in self.sets(stage).items()]
        return [Loader(Kept(images, indices, self._memory), device) for images, indices in shares]

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Stored values to float on the device. InputError: images with another number of bands than the kind's."""
        lr, hr = self.kind.scaled(batch["lr"]), batch.get("hr")
        first = 1 if hr is not None and "frames" not in batch else -3  # of volumes (N, C, D, H, W); bursts without HR, clips
        if (bands := (lr if hr is None else hr).shape[first]) != self.kind.bands:
            raise InputError(
                f"a benchmark has images with {bands} bands, but image={self.kind.name} has {self.kind.bands}: "
                "set kind: ${image} in its YAML"
            )
        if hr is None:  # a set of inputs alone, which says its scale
            return {**batch, "lr": lr}
        hr = self.kind.scaled(hr)
        return {"scale": hr.new_full((len(hr),), hr.shape[-2] / lr.shape[-2]), **batch, "lr": lr, "hr": hr}
