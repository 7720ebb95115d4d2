"""Stages in sequence, with a separate size for each sample between them: a pipeline, as in `degradation=realesrgan`."""

from collections.abc import Iterable, Mapping

import numpy as np
from torch import nn

from sr.degradation.region import Region
from sr.degradation.stage import Operation, Parameters, Stage, joined, joined_words, on_host, plan, regions, targets, width
from sr.errors import InputError
from sr.functional.draws import Draws
from sr.functional.parts import own, sample_each
from sr.functional.ranges import whole

MOST_MARGIN = 1024


class Sequence(Stage):
    """HR (N, C, sH, sW) in [0, 1] -> LR (N, C, H, W); clips as well: parameters of a sample hold for all its frames.

    Between stages nothing is rounded or clipped, except by stages that do so themselves (noise clips, JPEG has 8 bits). LR
    patches are cut as from a larger picture: `reach` says how much HR around the patch each sample needs.

    Args:
        stages: name -> stage, each with a unique name, which is its random stream.
        scale: HR pixels per LR pixel, the final size of the pipeline; None: whatever the stages give, within another
            pipeline.
        margin: HR pixels around a patch that are used at most; beyond them the picture is mirrored.

    Raises:
        InputError: no stage, or stages that do not end with pixels of `scale` HR pixels.
    """

    def __init__(self, stages: dict[str, nn.Module], scale: int | None = None, margin: int = 128) -> None:
        super().__init__()
        if not isinstance(stages, Mapping) or not stages:
            raise InputError(f"a degradation pipeline needs stages as name: stage, at least one; got {stages}")
        if scale is not None:
            whole("scale", scale)
        if not 0 <= margin <= MOST_MARGIN:
            raise InputError(f"margin={margin}: pass HR pixels from 0 to {MOST_MARGIN}")
        for name in stages:
            if "." in name or hasattr(nn.ModuleDict, name):
                raise InputError(f"a degradation stage cannot be called {name}; give it another name")
        self.stages = nn.ModuleDict(stages)
        if scale is not None:
            found = self.width(1.0)
            if found is None or abs(found - scale) > 1e-9:
                ends = "ends in a random size" if found is None else f"shrinks by {found:g}"
                raise InputError(
                    f"the degradation pipeline [{','.join(stages)}] {ends}, but scale={scale}; its last stages must lead "
                    "to the size of LR: _target_: sr.degradation.resize.Resize with lr_scale: ${scale}"
                )
            self.scale, self.margin = scale, -(-margin // scale) * scale

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """The parameters of all stages, {"<stage>.<parameter>": (count, ...)}; each draws from a stream of its name."""
        return sample_each(self.stages, draws)

    def order(self, parameters: Parameters) -> Iterable[str]:
        """The names of the stages that a sample with these parameters goes through."""
        return self.stages

    def taken(self, parameters: Parameters) -> list[tuple[nn.Module, Parameters]]:
        """Those stages in their order, with their parameters."""
        return [(self.stages[name], own(parameters, name)) for name in self.order(parameters)]

    def plan(self, parameters: Parameters, step: float) -> list[Operation]:
        found: list[Operation] = []
        for stage, given in self.taken(parameters):
            found += plan(stage, given, found[-1].step if found else step)
        return found

    def targets(self, parameters: Parameters) -> list[Stage]:
        return [found for stage, given in self.taken(parameters) for found in targets(stage, given)]

    def words(self, parameters: Parameters) -> str:
        return joined_words(self.taken(parameters))

    def width(self, step: float | None) -> float | None:
        for stage in self.stages.values():
            step = width(stage, step)
        return step

    def reach(self, parameters: dict[str, np.ndarray], size: int) -> int:
        """HR pixels around a patch of size x size LR pixels that samples with these parameters need, at most `margin`."""
        frame, hr, reach = Region(0, size, 0, size), size * self.scale, 0
        for sample in on_host(parameters):
            need = regions(joined(self.plan(sample, 1.0)), frame)[0]
            reach = max(reach, -need.top, -need.left, need.bottom - hr, need.right - hr)
        return min(-(-reach // self.scale) * self.scale, self.margin)
