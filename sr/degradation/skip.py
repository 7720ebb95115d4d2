"""A stage that is applied only to some samples."""

import numpy as np
from torch import nn

from sr.degradation.stage import Operation, Parameters, Stage, plan, targets, width, words
from sr.functional.draws import Draws
from sr.functional.parts import own, sample_each
from sr.functional.ranges import probability as checked


class Skip(Stage):
    """`stage`, skipped with a probability; the number of draws is the same for every sample.

    Args:
        stage: any stage.
        probability: probability of skipping it.
    """

    def __init__(self, stage: nn.Module, probability: float) -> None:
        super().__init__()
        self.stage, self.probability = stage, checked("probability", probability)
        self.margin = stage.margin

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"skipped": bool (count,), "stage.<parameter>": ...}."""
        inner = sample_each({"stage": self.stage}, draws)
        return {"skipped": draws.uniform() < self.probability, **inner}

    def plan(self, parameters: Parameters, step: float) -> list[Operation]:
        return [] if parameters["skipped"] else plan(self.stage, own(parameters, "stage"), step)

    def targets(self, parameters: Parameters) -> list[Stage]:
        return [] if parameters["skipped"] else targets(self.stage, own(parameters, "stage"))

    def words(self, parameters: Parameters) -> str:
        return "" if parameters["skipped"] else words(self.stage, own(parameters, "stage"))

    def width(self, step: float | None) -> float | None:
        inner = width(self.stage, step)
        chances = {0.0: inner, 1.0: step}  # skipped never, or always
        return chances.get(float(self.probability), inner if inner == step else None)
