"""Evaluation sets of volumes: whole files, with LR made by the run's degradation."""

from collections.abc import Sequence
from pathlib import Path

from sr.data.volume_set import VolumeSet
from sr.degradation.pipeline import Pipeline
from sr.degradation.volume_chain import VolumeChain
from sr.errors import InputError
from sr.image.kind import PHOTO, Kind
from sr.image.volume import found


class Volumes(VolumeSet):
    """The volumes of a folder, or one file.

    Args:
        name: of the set in tables.
        hr: a folder, a file, or a list of files.
        degradation: the pipeline that makes LR.
        kind: the pixel format.
        anisotropic: see VolumeSet.
    """

    def __init__(
        self,
        name: str,
        hr: str | Path | Sequence[str],
        degradation: Pipeline,
        kind: Kind = PHOTO,
        anisotropic: bool = False,
    ) -> None:
        if not isinstance(degradation.degradation, VolumeChain):
            raise InputError(f"benchmark {name} has volumes: pass axes=through_plane or isotropic, or choose model=edsr3d")
        super().__init__(found(hr, f"benchmark.{name}.hr"), degradation.degradation, kind, anisotropic)
        self.name = name
