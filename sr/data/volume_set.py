"""Volumes for validation and test: whole files, with LR made by the run's degradation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sr.data.hold_out import draws, hold_out
from sr.data.notes import say_not_used
from sr.data.volume_store import check_cubes, wants_cubes
from sr.degradation.volume_chain import VolumeChain
from sr.errors import InputError, MissingError
from sr.functional.axes import text
from sr.image.kind import Kind
from sr.image.volume import read_volume, stem
from sr.image.volume_kind import clipped, to_kind
from sr.say import warn


class VolumeSet:
    """Index -> {"name": str, "hr": (C, D, H, W), "lr": (C, d, h, w), "scale": number}, volumes of the kind's type.

    HR is cropped at its end to whole LR voxels. The random numbers of a volume's LR depend on its name alone, so runs with any
    seed measure the same LR. A file is read when it is measured.

    Args:
        files: the HR files.
        degradation: makes LR.
        kind: the pixel format.
        anisotropic: whether voxels that are not cubes are enlarged alike along all axes.
    """

    has_hr = True

    def __init__(self, files: Sequence[Path], degradation: VolumeChain, kind: Kind, anisotropic: bool = False) -> None:
        self.files, self.degradation, self.kind = list(files), degradation, kind
        self.cubes = wants_cubes(degradation.factors, anisotropic)

    @property
    def names(self) -> list[str]:
        """The name of each file without its ending, with its folder where two are the same."""
        names = [stem(file) for file in self.files]
        pairs = zip(self.files, names, strict=True)
        return [f"{file.parent.name}_{name}" if names.count(name) > 1 else name for file, name in pairs]

    def prepare(self) -> None:
        """Read each file once, so that a damaged one stops the run before it trains. InputError: see __getitem__."""
        for index in range(len(self)):
            self._hr(index)
        if self.kind.outside == "clip":
            say_not_used("volumes", ((file, clipped(read_volume(file), self.kind)) for file in self.files))
        if len(set(self.names)) < len(self):
            raise InputError(f"several volumes have the same name: {', '.join(sorted(self.names))}: rename one")

    def skip(self) -> None:
        """Leave out files that cannot be read, with a warning."""
        for index in reversed(range(len(self))):
            try:
                self._hr(index)
            except (InputError, MissingError) as error:
                warn(f"validation leaves out {error}")
                del self.files[index]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> dict[str, Any]:
        hr = self._hr(index)
        drawn = self.degradation.sample(draws(0, self.names[index], "validation"))
        lr = self.kind.to_stored(self.degradation(self.kind.scaled(hr)[None], drawn)[0])
        return {"name": self.names[index], "hr": hr, "lr": lr, "scale": np.float32(self.degradation.scale)}

    def _hr(self, index: int) -> Tensor:
        volume = read_volume(self.files[index])
        if self.cubes:
            check_cubes(volume, "benchmark.volumes.anisotropic or validation.volumes.anisotropic")
        voxels, _ = to_kind(volume, self.kind)
        sizes = [size // f * f for size, f in zip(voxels.shape[:3], self.degradation.factors, strict=True)]
        if 0 in sizes:
            raise InputError(
                f"{self.files[index]}: {text(voxels.shape[:3])} voxels are fewer than the factors "
                f"{text(self.degradation.factors)} (D, H, W)"
            )
        cropped = voxels[: sizes[0], : sizes[1], : sizes[2]]
        return torch.from_numpy(np.ascontiguousarray(cropped.transpose(3, 0, 1, 2)))


def held_out(files: Sequence[Path], size: float | int | None) -> tuple[list[Path], list[Path]]:
    """(training files, held-out files): whole volumes, chosen by a hash of their names (`sr.data.hold_out`).

    Raises:
        InputError: a number is asked for, and there are too few files: one at least is kept for training.
    """
    keys = [f"{file.parent.name}/{stem(file)}" for file in files]  # patient01/t1 and patient02/t1 are two volumes
    found = {place for _, place in hold_out([keys], size, lambda source, place: True)}
    wanted = size if isinstance(size, int) else 0 if size is None else 1
    if len(found) < wanted:
        raise InputError(
            f"validation=[split] should hold out {wanted} of {len(files)} training volumes, but one is kept for training: "
            "pass validation=[volumes] validation.volumes.hr=FILE, or validation=[]"
        )
    return [f for i, f in enumerate(files) if i not in found], [f for i, f in enumerate(files) if i in found]
