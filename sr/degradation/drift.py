"""Blind degradations that change slowly along a clip: sigma of a blur, strength of noise, quality of JPEG.

RealBasicVSR (Chan et al. 2022, arXiv:2111.12704; configs/real_basicvsr of open-mmlab/mmagic) lets parameters walk at random
from frame to frame; here each moves steadily in one direction.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sr.degradation import stage as stages
from sr.degradation.chain import Chain
from sr.degradation.noise import frame_seeds
from sr.degradation.region import Region
from sr.degradation.stage import Operation, Parameters, Stage
from sr.errors import InputError
from sr.functional import band
from sr.functional.draws import Draws
from sr.functional.parts import own
from sr.functional.sent import sent

_MOVES = ("sigma", "sigma_x", "sigma_y", "strength", "photons", "quality")  # other parameters hold: sizes, kinds, grids, codecs


class Drift(Stage):
    """A stage or pipeline whose parameters change from frame to frame.

    Over the frames of a clip each of its numbers sigma, strength, photons and quality becomes, step by step, (1 + drift)^u
    times what it was in the first, u uniform in [-1, 1] for each sample and parameter. Video codecs keep theirs: they code all
    frames as one stream.

    Args:
        stage: of `sr.degradation`.
        drift: largest growth, such as 0.5.
    """

    def __init__(self, stage: nn.Module, drift: float) -> None:
        super().__init__()
        self.stage, self.scale, self.margin, self.drift = stage, stage.scale, stage.margin, drift

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"stage.<parameter>": ..., "rate.<parameter>": (count,) of those that change}."""
        found = self.stage.sample(draws)  # the first frame is what it is without drift
        coded = {name.removesuffix("codec") for name in found if name.rpartition(".")[2] == "codec"}
        moving = [name for name in found if name.rpartition(".")[2] in _MOVES and name.removesuffix("quality") not in coded]
        rates = {f"rate.{name}": draws.stream(f"drift/{name}").uniform(-1, 1) for name in moving}
        return {f"stage.{name}": value for name, value in found.items()} | rates

    def words(self, parameters: Parameters) -> str:
        return stages.words(self.stage, own(parameters, "stage"))

    def width(self, step: float | None) -> float | None:
        return stages.width(self.stage, step)

    def targets(self, parameters: Parameters) -> list[Stage]:
        return stages.targets(self.stage, own(parameters, "stage"))

    def reach(self, parameters: dict[str, Any], size: int) -> int:
        """As of a pipeline: kernels keep their sizes."""
        return self.stage.reach(own(parameters, "stage"), size) if hasattr(self.stage, "reach") else self.margin

    def plan(self, parameters: Parameters, step: float) -> list[Operation]:
        first = stages.plan(self.stage, self.at(parameters, 0.0), step)
        return [_Drifting(self, parameters, step, place, one) for place, one in enumerate(first)]

    def at(self, parameters: Parameters, time: float) -> Parameters:
        """The stage's parameters at a time from 0, the first frame, to 1, the last."""
        found = own(parameters, "stage")
        for name, rate in own(parameters, "rate").items():
            value = found[name] * (1 + self.drift) ** (rate * time)
            found[name] = min(max(round(value), 1), 100) if type(found[name]) is int else value
        return found


class _Drifting(Operation):
    """The operation at `place` of the stage's plan, with the parameters of each frame."""

    def __init__(self, drift: Drift, parameters: Parameters, step: float, place: int, first: Operation) -> None:
        super().__init__(first.step)
        self.kernel_size, self.first = first.kernel_size, first
        self.drift, self.parameters, self.before, self.place = drift, parameters, step, place

    def needs(self, wanted: Region) -> Region:
        return self.first.needs(wanted)

    def apply(self, image: Tensor, given: Region, wanted: Region, constants: list[Tensor]) -> Tensor:
        block, count = band.BLOCK if image.device.type == "cpu" else None, len(image)
        if self.first.of_stream:
            return self.first.apply(image, given, wanted, self._sent(self.first, given, wanted, block, image))
        made = []
        for number in range(count):
            now = self.drift.at(self.parameters, number / max(count - 1, 1))
            now |= {name: frame_seeds(seed, count)[number] for name, seed in now.items() if name.rpartition(".")[2] == "seed"}
            operation = stages.plan(self.drift.stage, now, self.before)[self.place]
            sent = self._sent(operation, given, wanted, block, image)
            made.append(operation.apply(image[number : number + 1], given, wanted, sent))
        return torch.cat(made)

    def _sent(self, operation: Operation, given: Region, wanted: Region, block: int | None, image: Tensor) -> list[Tensor]:
        return sent(operation.constants(given, wanted, block), image.device)


def drifting(chain: Chain, drift: float) -> Chain:
    """The chain with all stages that draw a number that can move wrapped in `Drift`; itself for 0.

    Raises:
        InputError: a drift outside [0, 1], or no stage with such a number.
    """
    if not isinstance(drift, int | float) or not 0 <= drift <= 1:
        raise InputError(f"data.drift={drift}: pass a number from 0 to 1")
    if not drift:
        return chain
    tried = Draws(0, 0, 1, "drift")
    moving = {n for n, one in chain.stages.items() if any(k.rpartition(".")[2] in _MOVES for k in one.sample(tried.stream(n)))}
    if not moving:
        raise InputError(f"data.drift={drift}: nothing of degradation=[{','.join(chain.stages)}] can change: pass data.drift=0")
    wrapped = {name: Drift(one, drift) if name in moving else one for name, one in chain.stages.items()}
    return Chain(wrapped, chain.scale, chain.levels)
