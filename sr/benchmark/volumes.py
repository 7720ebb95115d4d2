"""Evaluation sets of volumes: whole files, with LR made by the run's degradation."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from sr.benchmark.record import check_expected, lr_record
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
        expected: the `record` of the LR that has to be measured, as a checkpoint has it; None: any.
    """

    def __init__(
        self,
        name: str,
        hr: str | Path | Sequence[str],
        degradation: Pipeline,
        kind: Kind = PHOTO,
        anisotropic: bool = False,
        expected: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(degradation.degradation, VolumeChain):
            raise InputError(f"benchmark {name} has volumes: pass axes=through_plane or isotropic, or choose model=edsr3d")
        super().__init__(found(hr, f"benchmark.{name}.hr"), degradation.degradation, kind, anisotropic)
        self.name, self.pipeline, self.expected = name, degradation, expected

    @cached_property
    def record(self) -> dict[str, Any]:
        """What made LR, of what; plain values. Two results are of the same task where "hash" is the same."""
        files, factors = sorted(zip(self.names, self.files, strict=True)), list(self.degradation.factors)
        known = lr_record(self.pipeline, 0, files, "whole volumes", factors, self.kind.name, self.kind.percentiles)
        return known | {"stages": self.degradation.called}

    def prepare(self) -> None:
        """As of VolumeSet. InputError: LR is other than `expected`."""
        check_expected(self.name, self.record, self.expected)
        super().prepare()
