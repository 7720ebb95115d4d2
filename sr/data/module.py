"""LightningDataModule: training patches without end, and the benchmarks for validation and test."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from torch import nn
from torch.utils.data import DataLoader, Subset

from sr.data.device import finish
from sr.data.folder import Folder, check_pairs
from sr.data.patches import Patches, Plan
from sr.data.store import Store


class Benchmarks(pl.LightningDataModule):
    """Evaluation sets for validation and test.

    Args:
        benchmark: name -> images, index -> {"name", "lr" (3, h, w) uint8, "hr" (3, H, W) uint8}.
    """

    def __init__(self, *, benchmark: Mapping[str, Any]) -> None:
        super().__init__()
        self.benchmark = dict(benchmark)

    def prepare_data(self) -> None:
        """Say early what is missing or incomplete, in one process."""
        for images in self.benchmark.values():
            images.prepare()

    def val_dataloader(self) -> list[DataLoader]:
        """One loader for each benchmark; a process sees every world_size-th image, and no image twice."""
        rank, world = self.trainer.global_rank, self.trainer.world_size
        return [
            DataLoader(Subset(images, range(rank, len(images), world)), batch_size=1) for images in self.benchmark.values()
        ]

    test_dataloader = val_dataloader

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """uint8 to float on the device."""
        return {**batch, "lr": batch["lr"].float().div_(255), "hr": batch["hr"].float().div_(255)}


class SRData(Benchmarks):
    """Training data and benchmarks.

    Args:
        train: a folder, a source (`files()`, `prepare(download)`), or a list of them.
        lr: folder of LR partners where `train` is one folder and the files are paired.
        benchmark: see Benchmarks.
        degradation: makes LR from HR on the device where files are not paired.
        scale: HR pixels for an LR pixel.
        patch_size: side of the LR patch in pixels.
        batch_size: samples of one optimizer step, over all devices and accumulation steps.
        seed: of the order of samples.
        n_workers: processes that cut patches; None: 2, fewer where there are fewer CPUs to spare.
        cache_dir: where decoded images are kept.
        download: fetch what is not there.
        flip, rotate: augmentation.
        accumulate: accumulation steps of an optimizer step.
    """

    def __init__(
        self,
        *,
        train: Any,
        benchmark: Mapping[str, Any],
        degradation: nn.Module,
        scale: int,
        patch_size: int,
        batch_size: int,
        cache_dir: str,
        seed: int = 0,
        lr: str | None = None,
        n_workers: int | None = None,
        download: bool = False,
        flip: bool = True,
        rotate: bool = True,
        accumulate: int = 1,
    ) -> None:
        super().__init__(benchmark=benchmark)
        sources = train if isinstance(train, Sequence) and not isinstance(train, str) else [train]
        self.sources = [Folder(source, lr) if isinstance(source, str | Path) else source for source in sources]
        self.degradation = degradation
        self.scale, self.patch_size, self.batch_size, self.seed = scale, patch_size, batch_size, seed
        self.n_workers = min(2, (os.cpu_count() or 1) - 1) if n_workers is None else n_workers
        self.cache_dir, self.download = Path(cache_dir), download
        self.flip, self.rotate, self.accumulate = flip, rotate, accumulate
        self.hr: Store | None = None
        self.lr: Store | None = None

    def prepare_data(self) -> None:
        """Fetch and decode, in one process; the others wait."""
        super().prepare_data()
        for source in self.sources:
            source.prepare(self.download)
        for store in self._stores():
            if store is not None:
                store.build()

    def setup(self, stage: str) -> None:
        if stage == "fit" and self.hr is None:
            self.hr, self.lr = self._stores()
            self._check_sizes()

    def _stores(self) -> tuple[Store, Store | None]:
        pairs = [pair for source in self.sources for pair in source.files()]
        paired = [pair for pair in pairs if pair[1] is not None]
        if paired and len(paired) < len(pairs):
            raise ValueError(f"data.train mixes {len(paired)} paired and {len(pairs) - len(paired)} HR-only images")
        if paired:
            check_pairs(pairs, self.scale)
        hr = [pair[0] for pair in pairs]
        key = hashlib.sha256("|".join(sorted({str(file.resolve().parent) for file in hr})).encode()).hexdigest()[:12]
        folder = self.cache_dir / f"{hr[0].parent.name}-{key}"
        return Store(hr, folder / "hr"), Store([pair[1] for pair in pairs], folder / f"lr_x{self.scale}") if paired else None

    def _check_sizes(self) -> None:
        need = self.patch_size * self.scale
        for index, file in enumerate(self.hr.files):
            h, w = self.hr[index].shape[:2]
            if min(h, w) < need:
                raise ValueError(
                    f"{file}: {w}x{h} pixels is smaller than the HR patch of {need}x{need} "
                    f"(data.patch_size={self.patch_size} times scale={self.scale}); take the image away or a smaller patch"
                )

    def train_dataloader(self) -> DataLoader:
        trainer = self.trainer
        shares = self.accumulate * trainer.world_size
        if self.batch_size % shares:
            raise ValueError(f"data.batch_size={self.batch_size} cannot be split over {shares} devices x accumulation steps")
        plan = Plan(
            seed=self.seed,
            batch_size=self.batch_size // self.accumulate,
            first_batch=trainer.global_step * self.accumulate,  # the resume point: already restored when this is called
            rank=trainer.global_rank,
            world_size=trainer.world_size,
        )
        patches = Patches(
            self.hr, self.lr, plan, self.scale, self.patch_size, self.degradation, flip=self.flip, rotate=self.rotate
        )
        return DataLoader(
            patches,
            batch_size=None,  # workers make whole batches
            num_workers=self.n_workers,
            prefetch_factor=4 if self.n_workers else None,
            pin_memory=trainer.strategy.root_device.type == "cuda",
        )

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """On the device: degradation and flips of training batches."""
        if self.trainer.training:
            return finish(batch, self.degradation, 0 if self.lr is not None else self.degradation.margin)
        return super().on_after_batch_transfer(batch, dataloader_idx)
