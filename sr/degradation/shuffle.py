"""Stages in a random order per sample (BSRGAN, Zhang et al. 2021, arXiv:2103.14006, section 3.5)."""

from collections.abc import Sequence as Names
from itertools import permutations

import numpy as np
from torch import nn

from sr.degradation.sequence import Sequence
from sr.degradation.stage import Parameters, width
from sr.errors import InputError
from sr.functional.draws import Draws
from sr.functional.ranges import probability as checked

_MOST = 6  # stages that change the size: all of their orders are tried


class Shuffle(Sequence):
    """`stages` in a random order, all orders equally likely.

    Args:
        stages: name -> stage.
        in_order: names of stages that keep their relative order, such as a resize before the resize to LR.
        probability: probability of a random order; otherwise it is that of `stages`, except for `together`.
        together: lists of neighbouring stages, which are shuffled among themselves if the whole order is not random.
        scale, margin: see Sequence.
    """

    def __init__(
        self,
        stages: dict[str, nn.Module],
        in_order: Names[str] = (),
        probability: float = 1.0,
        together: Names[Names[str]] = (),
        scale: int | None = None,
        margin: int = 128,
    ) -> None:
        self.names, self.in_order, self.together = list(stages), list(in_order), [list(names) for names in together]
        for name in [*self.in_order, *(name for names in self.together for name in names)]:
            if name not in stages:
                raise InputError(f"a shuffle has no stage {name}; it has {', '.join(self.names)}")
        self.probability = checked("probability", probability)
        super().__init__(stages, scale, margin)

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"order": int64 (count, stages), "<stage>.<parameter>": ...}."""
        shuffled = draws.uniform() < self.probability
        places = np.stack([draws.uniform() for _ in self.names], 1)
        fixed = np.arange(len(self.names)) + np.zeros_like(places)
        for names in self.together:
            at = [self.names.index(name) for name in names]
            fixed[:, at] = min(at) + places[:, at] * (len(at) - 0.5)
        keys = np.where(shuffled[:, None], places, fixed)
        at = [self.names.index(name) for name in self.in_order]
        keys[:, at] = np.sort(keys[:, at], axis=1)
        return {"order": np.argsort(keys, axis=1, kind="stable"), **super().sample(draws)}

    def order(self, parameters: Parameters) -> list[str]:
        return [self.names[index] for index in parameters["order"]]

    def width(self, step: float | None) -> float | None:
        sizing = [name for name, stage in self.stages.items() if width(stage, 1.0) != 1.0 or width(stage, 2.0) != 2.0]
        if len(sizing) > _MOST:
            return None
        kept = [name for name in self.in_order if name in sizing]
        ends = set()
        for order in permutations(sizing):
            if [name for name in order if name in kept] == kept:
                end = step
                for name in order:
                    end = width(self.stages[name], end)
                ends.add(end)
        return ends.pop() if len(ends) == 1 else None
