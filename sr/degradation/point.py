"""A Gaussian blur, and then every s-th pixel, at the centre of each s x s cell; each sample has a width of its own (BSRGAN)."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from sr.degradation.filter import Linear
from sr.degradation.stage import Operation, Parameters, Stage
from sr.errors import InputError
from sr.functional import band
from sr.functional.draws import Draws
from sr.functional.ranges import checked


class Point(Stage):
    """Shrink by a whole factor as `downsample2` of BSRGAN does, arXiv:2103.14006, section 3.2.

    Args:
        factor: how many times smaller the picture becomes.
        sigma: range of the Gaussian's standard deviation in pixels, uniform.
        kernel_size: side of the Gaussian, odd.
    """

    def __init__(self, factor: int, sigma: Sequence[float], kernel_size: int = 25) -> None:
        super().__init__()
        if factor < 1 or kernel_size < 1 or kernel_size % 2 == 0:
            raise InputError(f"factor must be at least 1 and kernel_size odd, got factor={factor}, kernel_size={kernel_size}")
        self.factor, self.sigma, self.kernel_size = factor, checked("sigma", sigma, 0.01, 1000), kernel_size

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"sigma": float64 (count,)}."""
        return {"sigma": draws.uniform(*self.sigma)}

    def plan(self, parameters: Parameters, step: float) -> list[Operation]:
        axis = partial(band.points, self.factor, parameters["sigma"], self.kernel_size)
        return [Linear(step * self.factor, axis=axis)]

    def words(self, parameters: Parameters) -> str:
        return f"blur sigma {parameters['sigma']:.1f} and one pixel of {self.factor}x{self.factor}"

    def width(self, step: float | None) -> float | None:
        return step and step * self.factor
