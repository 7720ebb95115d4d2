"""LightningDataModule of one image that is its own training set."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sr.augmentation.chain import Chain
from sr.data.plan import Plan, phases
from sr.data.stream import Stream
from sr.data.training import Training
from sr.degradation.chain import only_bicubic
from sr.errors import InputError, MissingError
from sr.image.kind import PHOTO, Kind
from sr.network.zssr_task import Task


class OneImage(Training):
    """Pairs of one image, see `sr.network.zssr_task.Task`, in batches of one.

    Args:
        train: the image file.
        gradual, crop, noise, kernel, back_projection, max_steps: of Task.
        benchmark, validation, kind, limit_val, limit_test, accumulate: see Training.
        degradation, augmentation: only bicubic and none: the pairs have their own.

    Raises:
        MissingError: no such file. InputError: no image, too small for its scale, or an option of other training sets.
    """

    def __init__(
        self,
        *,
        train: str,
        scale: int,
        benchmark: Mapping[str, Any],
        degradation: nn.Module,
        augmentation: Chain,
        validation: Mapping[str, Any] | None = None,
        kind: Kind = PHOTO,
        limit_val: float | int | None = None,
        limit_test: float | int | None = None,
        seed: int = 0,
        accumulate: int = 1,
        gradual: bool = False,
        crop: int = 128,
        noise: float = 0.0,
        kernel: str | None = None,
        back_projection: int = 10,
        max_steps: int = 3000,
    ) -> None:
        evaluated = {"benchmark": benchmark, "validation": validation, "limit_val": limit_val, "limit_test": limit_test}
        super().__init__(**evaluated, kind=kind, seed=seed, n_workers=0, accumulate=accumulate)
        if augmentation.stages:
            raise InputError("data=one_image flips, turns and shrinks the image itself: pass augmentation=[]")
        if not only_bicubic(degradation):
            raise InputError("data=one_image makes LR by bicubic or by data.kernel=FILE: pass degradation=[bicubic]")
        self.file = Path(train).expanduser()
        if not self.file.is_file():
            raise MissingError(f"data.train={train}: no such image file")
        options = {"gradual": gradual, "crop": crop, "noise": noise, "kernel": kernel}
        options |= {"back_projection": back_projection, "max_steps": max_steps}
        image = kind.to_float(torch.from_numpy(kind.read(self.file)))[None]
        try:
            self.task = Task(image, scale=scale, seed=seed, **options)
        except MissingError:
            raise
        except InputError as error:
            raise InputError(f"data.train={train}: {error}") from None
        self.phases = phases(None, crop, 1)

    def patches(self, plan: Plan) -> "Indices":
        if plan.phases[0].batch_size != 1:
            raise InputError(
                "data=one_image has no preview of its first pairs: pass preview=false callback.preview.n_samples=0"
            )
        return Indices(plan)

    def finish(self, batch: Any, wanted: Collection[str] = ()) -> dict[str, Any]:
        son, father = (image.contiguous(memory_format=torch.channels_last) for image in self.task.pair(batch["sample"]))
        scale = son.new_full((1,), father.shape[-2] / son.shape[-2])
        return {"lr": son, "hr": father, "scale": scale}


class Indices(Stream):
    """The number of each sample: pairs are made on the device, where results of earlier scales are."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def batch(self, index: int) -> dict[str, Any]:
        return {"sample": self.plan.samples(index)[0]}
