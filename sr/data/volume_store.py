"""Volumes of a training set, read once into memory-mapped files; after that a patch is a slice."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sr.data.store import HEADER, Store
from sr.errors import InputError
from sr.functional.axes import Factors, text
from sr.image.kind import Kind
from sr.image.volume import Volume, read_volume
from sr.image.volume_kind import clipped, to_kind


class VolumeStore(Store):
    """Index -> (D, H, W, C) of the kind's type: a `sr.data.storage.Storage` of volumes.

    Args:
        files, folder, corrupt, kind: see Store.
        cubes: refuse volumes whose voxels are not cubes. It is part of the folder, so that no volume escapes the check.
    """

    def __init__(self, files: Sequence[Path], folder: Path, corrupt: str, kind: Kind, cubes: bool = False) -> None:
        super().__init__(files, folder / "cubes" if cubes else folder / "any", corrupt, kind)
        self.cubes = cubes

    def read(self, file: Path) -> tuple[np.ndarray, None, list[str]]:
        volume = read_volume(file)
        if self.cubes:
            check_cubes(volume, "data.anisotropic")
        notes = ["do not say the size of a voxel: cubes are assumed"] if volume.spacing is None else []
        return to_kind(volume, self.kind)[0], None, notes + clipped(volume, self.kind)

    def size_of(self, file: Path) -> int:
        return file.stat().st_size + HEADER  # at least: how much a compressed file holds is known when it is read


def wants_cubes(factors: Factors, anisotropic: bool) -> bool:
    """Whether a run enlarges all axes alike, and its user did not say that voxels may be of any shape."""
    return not anisotropic and len(set(factors)) == 1


def check_cubes(volume: Volume, key: str) -> None:
    """InputError if the voxels of a volume are not cubes; `key` is the config key that accepts them."""
    if not volume.cubes():
        raise InputError(
            f"{volume.path}: voxels of {text([round(mm, 3) for mm in volume.spacing])} mm (D, H, W) are not cubes, but "
            f"axes=isotropic enlarges all axes alike: train with axes=through_plane, or pass {key}=true if that is meant"
        )
