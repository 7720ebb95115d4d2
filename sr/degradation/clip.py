"""Clip to [0, 1], as a file between two stages would: a resize can overshoot."""

from torch import Tensor

from sr.degradation.region import Region
from sr.degradation.stage import Operation, Parameters, Stage


class Clip(Stage):
    """Clip the image to [0, 1]."""

    def plan(self, parameters: Parameters, step: float) -> list[Operation]:
        return [_Clipped(step)]

    def words(self, parameters: Parameters) -> str:
        return ""  # of no interest beside what it follows


class _Clipped(Operation):
    def apply(self, image: Tensor, given: Region, wanted: Region, constants: list[Tensor]) -> Tensor:
        return image.clamp(0, 1)
