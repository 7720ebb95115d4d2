"""The degradation of volumes: stages for (N, C, D, H, W), one after the other."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sr.degradation.chain import quantise
from sr.degradation.stage import joined_words, on_host
from sr.errors import InputError
from sr.functional.axes import Factors
from sr.functional.axes import factors as factors_of
from sr.functional.draws import Draws
from sr.functional.parts import own, sample_each


class VolumeChain(nn.Module):
    """HR (N, C, fD * D, fH * H, fW * W) -> LR (N, C, D, H, W) through `stages` in order; what `Chain` is for pictures.

    Args:
        stages: name -> stage with `factors`, `margin` (HR voxels along D, H, W on which an LR voxel depends beyond those it
            covers), `sample`, `forward` and `words`.
        scale, axes: of the run; the product of the stages' factors must be theirs.
        levels: LR is rounded to multiples of 1/levels and clipped; None: neither.

    Raises:
        InputError: no stage, one for pictures, or other factors.
    """

    sharpens = makes_bursts = False
    idle = False

    def __init__(self, stages: dict[str, nn.Module], scale: int, axes: str | list[int], levels: int | None = None) -> None:
        super().__init__()
        if not stages:
            raise InputError("degradation is empty; pass degradation=[slice_profile]")
        if pictures := [name for name, stage in stages.items() if not hasattr(stage, "factors")]:
            raise InputError(
                f"degradation={pictures[0]} is for pictures, but axes={axes} is for volumes: pass degradation=[slice_profile]"
            )
        self.stages, self.scale, self.levels = nn.ModuleDict(stages), scale, levels
        self.factors: Factors = factors_of(scale, axes)
        each = [stage.factors for stage in stages.values()]
        if (product := tuple(map(math.prod, zip(*each, strict=True)))) != self.factors:
            raise InputError(f"degradation=[{','.join(stages)}] shrinks by {product}, but scale and axes are {self.factors}")
        self.margin = self._margin()

    def _margin(self) -> Factors:
        """HR voxels around a patch on which its LR may depend, in whole LR voxels."""
        step, found = (1, 1, 1), (0, 0, 0)
        for stage in self.stages.values():
            found = tuple(m + own * s for m, own, s in zip(found, stage.margin, step, strict=True))
            step = tuple(s * f for s, f in zip(step, stage.factors, strict=True))
        return tuple(-(-m // f) * f for m, f in zip(found, self.factors, strict=True))

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """The parameters of all stages, {"<stage>.<parameter>": (count, ...)}; each draws from a stream of its name."""
        return sample_each(self.stages, draws)

    @property
    def called(self) -> str:
        """What its stages do, in words, where they say it."""
        return "; ".join(stage.called for stage in self.stages.values() if hasattr(stage, "called"))

    def words(self, parameters: dict[str, Any], count: int) -> list[str]:
        """What is done to each of `count` samples, for people."""
        samples = on_host(parameters) or [{}] * count
        return [joined_words((stage, own(one, name)) for name, stage in self.stages.items()) for one in samples]

    def told(self, parameters: dict[str, Any], device: torch.device) -> dict[str, Tensor]:
        """Stages of volumes give no further keys."""
        return {}

    def forward(self, hr: Tensor, parameters: dict[str, Any]) -> Tensor:
        volume = hr
        for name, stage in self.stages.items():
            volume = stage(volume, own(parameters, name))
            volume = quantise(volume, self.levels) if self.levels else volume
        return volume
