"""One of several pipelines per sample."""

from collections.abc import Mapping

import numpy as np
from torch import nn

from sr.degradation.sequence import Sequence
from sr.degradation.stage import Parameters, width
from sr.errors import InputError
from sr.functional.draws import Draws
from sr.functional.ranges import shares


class Mixture(Sequence):
    """Each sample goes through one of `stages`, stages or whole pipelines.

    Args:
        stages: name -> stage.
        weights: name -> relative probability; None: all equal.
        scale, margin: see Sequence.
    """

    def __init__(
        self,
        stages: dict[str, nn.Module],
        weights: Mapping[str, float] | None = None,
        scale: int | None = None,
        margin: int = 128,
    ) -> None:
        if not isinstance(stages, Mapping) or not stages:
            raise InputError(f"a mixture needs stages as name: pipeline, at least one; got {stages}")
        weights = dict.fromkeys(stages, 1.0) if weights is None else dict(weights)
        if weights.keys() != stages.keys():
            raise InputError(f"a mixture has the pipelines {', '.join(stages)}, but weights of {', '.join(weights)}")
        self.names = list(stages)
        self.shares = shares("weights of a mixture", [weights[name] for name in self.names])
        super().__init__(stages, scale, margin)

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"choice": index of the stage (count,), "<stage>.<parameter>": ... for all of them}."""
        return {"choice": np.searchsorted(self.shares, draws.uniform(), "right"), **super().sample(draws)}

    def order(self, parameters: Parameters) -> list[str]:
        return [self.names[parameters["choice"]]]

    def width(self, step: float | None) -> float | None:
        ends = {width(stage, step) for stage in self.stages.values()}
        return ends.pop() if len(ends) == 1 else None
