"""Bursts as evaluation sets: simulated ones of HR pictures, and real ones without HR."""

import copy
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from sr.benchmark.inputs import Inputs
from sr.benchmark.pairs import Benchmark
from sr.benchmark.record import check_expected, lr_record
from sr.data.hold_out import draws
from sr.data.source.sample import Sample
from sr.degradation.pipeline import Pipeline
from sr.errors import InputError
from sr.image import burst
from sr.image.kind import PHOTO, Kind


class Bursts(Benchmark):
    """HR of a folder, and a burst of each, made by the run's degradation; made anew each time, and always the same.

    The moves and the noise of a burst depend on the picture's name and on `seed` alone, not on the run's seed. With more frames
    the first ones are the same: results over numbers of frames are of the same bursts.

    Args:
        name, hr, scale, n_images, url, kind: as of Benchmark.
        degradation: the pipeline that makes LR; its first stage is `burst`.
        frames: of each burst, whatever the stage says; None: the largest number of the stage.
        seed: of the random numbers.
        expected: the `record` of the LR that has to be measured, as a checkpoint has it; None: any.

    Raises:
        InputError: a degradation that makes no bursts, or `frames` below 1.
    """

    def __init__(
        self,
        name: str,
        hr: str | Path | Sample,
        scale: int,
        degradation: Pipeline,
        frames: int | None = None,
        seed: int = 0,
        expected: Mapping[str, Any] | None = None,
        n_images: int | None = None,
        url: str | None = None,
        kind: Kind = PHOTO,
    ) -> None:
        super().__init__(name, hr, scale, None, n_images, url, kind)
        if not degradation.degradation.makes_bursts:
            raise InputError(f"benchmark {name}: degradation=[{degradation.name}] makes no bursts: pass [burst,bicubic]")
        self.pipeline, self.seed, self.expected = degradation, seed, expected
        self.degradation = copy.deepcopy(degradation.degradation)
        stages = [stage for stage in self.degradation.stages.values() if hasattr(stage, "makes_bursts")]
        for stage in stages:
            stage.set_frames(stage.frames[1] if frames is None else frames)
        self.frames = stages[0].frames[1]

    @cached_property
    def record(self) -> dict[str, Any]:
        """What made LR, of what; plain values. Two results are of the same task where "hash" is the same."""
        files, many = list(zip(self.names, (hr for hr, _ in self.pairs), strict=True)), "s" * (self.frames > 1)
        target = f"HR as in the file, from {self.frames} frame{many}"
        return lr_record(self.pipeline, self.seed, files, target, self.kind.name, self.frames)

    def prepare(self) -> None:
        """As of Benchmark. InputError: LR is other than `expected`."""
        check_expected(self.name, self.record, self.expected)
        super().prepare()

    def __getitem__(self, index: int) -> dict[str, Any]:
        """{"name": str, "lr": (T, C, h, w), "hr": (C, H, W)} of the kind's type."""
        hr = self.hr_of(self.pairs[index][0])
        drawn = self.degradation.sample(draws(self.seed, self.names[index], "bursts"))
        with torch.no_grad():
            lr = self.degradation(self.kind.scaled(hr)[None], drawn)[0]
        return {"name": self.names[index], "lr": self.kind.to_stored(lr), "hr": hr}


class BurstInputs(Inputs):
    """Real bursts: the folders of frames below `lr`. Metrics that compare SR with HR cannot be measured on them.

    Args:
        name, scale, n_images, url, kind: as of Inputs.
        lr: a folder of folders, a folder per burst; or one burst.
        frames: at most so many of each, the first ones; None: all.
    """

    def __init__(
        self,
        name: str,
        lr: str | Path,
        scale: int,
        frames: int | None = None,
        n_images: int | None = None,
        url: str | None = None,
        kind: Kind = PHOTO,
    ) -> None:
        super().__init__(name, lr, scale, n_images, url, kind)
        self.frames = frames

    def prepare(self) -> None:
        """Check the whole set before a run begins. InputError: frames of different sizes, or a damaged file."""
        for folder in self.files:
            burst.read(folder, self.kind, self.frames)

    @cached_property
    def files(self) -> list[Path]:
        """The folder of each burst."""
        return burst.found(self.lr)

    @cached_property
    def names(self) -> list[str]:
        """The path of each folder below `lr`, joined by "_"."""
        return ["_".join(folder.relative_to(self.lr).parts) or self.lr.name for folder in self.files]

    def depends(self, index: int) -> list[Path]:
        """The files in the folder of a burst."""
        return sorted(self.files[index].iterdir())

    def __getitem__(self, index: int) -> dict[str, Any]:
        """{"name": str, "lr": (T, C, h, w) of the kind's type, "scale": the set's}."""
        lr = torch.from_numpy(burst.read(self.files[index], self.kind, self.frames)).permute(0, 3, 1, 2).contiguous()
        return {"name": self.names[index], "lr": lr, "scale": torch.tensor(float(self.scale))}
