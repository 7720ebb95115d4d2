"""Poisson noise of BSRGAN's extended pipeline: a random number of photons for each sample.

`degradation_bsrgan_plus` of utils_blindsr.py of cszn/KAIR.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sr.degradation.noise import frames, gray_of
from sr.degradation.region import Region
from sr.degradation.stage import Operation, Parameters, Stage
from sr.functional.draws import Draws
from sr.functional.ranges import checked, probability


class Poisson(Stage):
    """Add the shot noise of a number of photons to images in [0, 1], and clip; the image is taken at 8 bits.

    Args:
        photons: range of their number at white, uniform in its logarithm.
        gray_probability: how often R, G and B get the same noise.
    """

    def __init__(self, photons: Sequence[float] = (100, 10000), gray_probability: float = 0.5) -> None:
        super().__init__()
        self.photons = checked("photons", photons, 1, 1e6)
        self.gray_probability = probability("gray_probability", gray_probability)

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"photons": float64, "gray": bool, "seed": int64}, (count,) each."""
        photons = np.exp(draws.uniform(*np.log(self.photons)))
        return {"photons": photons, "gray": draws.uniform() < self.gray_probability, "seed": draws.seeds()}

    def plan(self, parameters: Parameters, step: float) -> list[Operation]:
        return [_Added(step, parameters)]

    def words(self, parameters: Parameters) -> str:
        return f"Poisson of {parameters['photons']:.0f} photons{' gray' if parameters['gray'] else ''}"


class _Added(Operation):
    def __init__(self, step: float, parameters: Parameters) -> None:
        super().__init__(step)
        self.parameters = parameters

    def apply(self, image: Tensor, given: Region, wanted: Region, constants: list[Tensor]) -> Tensor:
        photons, made = self.parameters["photons"], []
        for frame, generator in frames(image, self.parameters["seed"]):
            mean = gray_of(frame) if self.parameters["gray"] and len(frame) == 3 else frame
            mean = (mean * 255).round_().clamp_(0, 255).div_(255)
            counts = torch.poisson(mean * photons, generator=generator)
            made.append(frame + counts.div_(photons).sub_(mean))
        return torch.stack(made).clamp_(0, 1)
