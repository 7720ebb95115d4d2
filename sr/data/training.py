"""Base of the LightningDataModules: endless training batches beside the sets for validation and test."""

from collections.abc import Collection, Mapping
from typing import Any

from torch.utils.data import DataLoader

from sr.data.benchmarks import Benchmarks
from sr.data.plan import Phase, Plan
from sr.data.share import n_processes
from sr.data.stream import Stream, unchanged
from sr.errors import InputError
from sr.image.kind import PHOTO, Kind


class Training(Benchmarks):
    """A data module that trains. A subclass sets `phases` and defines `patches` and `finish`.

    Args:
        benchmark, validation, kind, limit_val, limit_test: see Benchmarks.
        seed: seed of the order of samples.
        n_workers: processes per device that cut patches; None: 2 with a GPU, none on the CPU.
        small: "stop" at an image smaller than the patch, or "mirror" it at its edges.
        accumulate: accumulation steps per optimizer step.
    """

    phases: tuple[Phase, ...]

    def __init__(
        self,
        *,
        benchmark: Mapping[str, Any],
        validation: Mapping[str, Any] | None = None,
        kind: Kind = PHOTO,
        limit_val: float | int | None = None,
        limit_test: float | int | None = None,
        seed: int = 0,
        n_workers: int | None = None,
        small: str = "stop",
        accumulate: int = 1,
    ) -> None:
        super().__init__(benchmark=benchmark, validation=validation, kind=kind, limit_val=limit_val, limit_test=limit_test)
        if small not in ("stop", "mirror"):
            raise InputError(f"data.small={small}: choose stop or mirror")
        if n_workers is not None and n_workers < 0:
            raise InputError(f"data.n_workers={n_workers}: must be at least 0, or null")
        self.seed, self.n_workers, self.small, self.accumulate = seed, n_workers, small, accumulate
        self.plan: Plan | None = None  # the samples of this process, set by `train_dataloader`

    def patches(self, plan: Plan) -> Stream:
        """The training samples of a plan; after `setup`."""
        raise NotImplementedError

    def finish(self, batch: Any, wanted: Collection[str] = ()) -> dict[str, Any]:
        """A worker's batch -> the network's, on the device; with the `wanted` further keys, where there are any."""
        raise NotImplementedError

    @property
    def batch_size(self) -> int:
        """Samples of the current optimizer step."""
        step = self.trainer.global_step if self.trainer else 0
        return next(phase.batch_size for phase in reversed(self.phases) if phase.from_step <= step)

    def train_dataloader(self) -> DataLoader:
        trainer = self.trainer
        shares = self.accumulate * trainer.world_size
        for phase in self.phases:
            if phase.batch_size % shares:
                raise InputError(
                    f"data.batch_size={phase.batch_size} cannot be split over {shares} devices x accumulation steps"
                )
        self.plan = Plan(
            seed=self.seed,
            phases=self.phases,
            accumulate=self.accumulate,
            first_batch=trainer.global_step * self.accumulate,  # the resume point: already restored at this point
            rank=trainer.global_rank,
            world_size=trainer.world_size,
        )
        device = trainer.strategy.root_device.type
        n_workers = n_processes(device) if self.n_workers is None else self.n_workers
        return DataLoader(
            self.patches(self.plan),
            batch_size=None,  # workers make whole batches
            collate_fn=unchanged,
            num_workers=n_workers,
            prefetch_factor=4 if n_workers else None,
            pin_memory=device == "cuda",
        )

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """On the device: degradation and augmentation of training batches."""
        training = self.trainer.training
        return self.finish(batch, self._wanted()) if training else super().on_after_batch_transfer(batch, dataloader_idx)

    def _wanted(self) -> Collection[str]:
        return getattr(getattr(self.trainer, "lightning_module", None), "wanted", ())
