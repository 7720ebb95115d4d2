"""Resizing by a random factor per sample.

Real-ESRGAN, Wang et al. 2021, arXiv:2107.10833, section 3.1; BSRGAN, Zhang et al. 2021, arXiv:2103.14006, section 3.2.
"""

from collections.abc import Sequence
from typing import get_args

import numpy as np

from sr.degradation.filter import Linear
from sr.degradation.stage import Operation, Parameters, Stage
from sr.errors import InputError
from sr.functional.band import Mode
from sr.functional.draws import Draws
from sr.functional.ranges import checked, shares

MODES = get_args(Mode)


class Resize(Stage):
    """Resize each sample up, down or not at all, by a random factor and method; neither rounded nor clipped.

    The grids of all sizes share one corner, so LR is aligned with HR whatever the intermediate sizes.

    Args:
        up, down, keep: relative weights of factors from [1, high], from [low, 1], and of 1.
        factor: [low, high], uniform on each side of 1.
        modes: methods to draw from: area, bilinear and bicubic as in torch, box as OpenCV's area, matlab (antialiased
            bicubic).
        lr_scale: the value of scale=${scale} makes factors relative to the size of LR; [1, 1] resizes to LR. None: relative
            to the current size.
        inverse: draw the reduction uniformly from [1, 1 / low], as in BSRGAN.
    """

    def __init__(
        self,
        up: float = 0.0,
        down: float = 0.0,
        keep: float = 1.0,
        factor: Sequence[float] = (1.0, 1.0),
        modes: Sequence[str] = ("area", "bilinear", "bicubic"),
        lr_scale: int | None = None,
        inverse: bool = False,
    ) -> None:
        super().__init__()
        self.ways = shares("up, down, keep", [up, down, keep])
        self.random = up > 0 or down > 0
        self.factor = checked("factor", factor, 0.01, 100)
        if (down > 0 and factor[0] > 1) or (up > 0 and factor[1] < 1):
            raise InputError(f"factor={list(factor)}: must start below 1 for down={down}, and end above 1 for up={up}")
        if not modes or any(mode not in MODES for mode in modes):
            raise InputError(f"modes={list(modes)}: choose at least one of {', '.join(MODES)}")
        self.modes, self.lr_scale, self.inverse = list(modes), lr_scale, inverse

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"factor": float64, "mode": index into `modes`}, (count,) each."""
        way, (low, high) = np.searchsorted(self.ways, draws.uniform(), "right"), self.factor
        place = draws.uniform()
        down = 1 / (1 + place * (1 / low - 1)) if self.inverse else low + place * (1 - low)
        factor = np.select([way == 0, way == 1], [1 + place * (high - 1), down], 1.0)
        return {"factor": factor, "mode": draws.integers(len(self.modes))}

    def plan(self, parameters: Parameters, step: float) -> list[Operation]:
        target = (step if self.lr_scale is None else float(self.lr_scale)) / parameters["factor"]
        mode = self.modes[parameters["mode"]]
        return [Linear(target, mode=mode, ratio=target / step)] if target != step else []

    def words(self, parameters: Parameters) -> str:
        factor, mode = parameters["factor"], self.modes[parameters["mode"]]
        if self.lr_scale is not None:
            return f"to {'' if factor == 1 else f'{factor:.2f} of '}LR size {mode}"
        return "" if factor == 1 else f"{'down' if factor < 1 else 'up'} {factor:.2f} {mode}"

    def width(self, step: float | None) -> float | None:
        return None if self.random else step if self.lr_scale is None else float(self.lr_scale)
