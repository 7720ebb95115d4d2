"""Resizing by a random factor per sample.

Real-ESRGAN, Wang et al. 2021, arXiv:2107.10833, section 3.1; BSRGAN, Zhang et al. 2021, arXiv:2103.14006, section 3.2.
"""

from collections.abc import Sequence
from functools import partial
from typing import get_args

import numpy as np

from sr.degradation.filter import Linear
from sr.degradation.stage import Operation, Parameters, Stage
from sr.errors import InputError
from sr.functional import band
from sr.functional.band import Mode
from sr.functional.draws import Draws
from sr.functional.ranges import checked, probabilities, switch, whole

MODES = get_args(Mode)


class Resize(Stage):
    """Resize each sample up, down or not at all, by a random factor and method; neither rounded nor clipped.

    The grids of all sizes share one corner, so LR is aligned with HR whatever the intermediate sizes.

    Args:
        up, down, keep: probability that the factor is drawn from [1, high], from [low, 1], or is 1; their sum is 1.
        factor: [low, high], uniform on either side of 1: from 1 to high where it is enlarged, from low to 1 where it shrinks.
        modes: one of these is drawn: area, bilinear and bicubic as torch's, box as OpenCV's area, matlab (antialiased bicubic).
        lr_scale: pass scale=${scale}'s value for a factor relative to the size of LR; [1, 1] resizes to LR. None: relative to
            the size that the picture has.
        fixed: the factor is `factor`'s low end, not drawn, where the picture shrinks.
        inverse: draw uniformly from [1, 1 / low] how many times smaller the picture becomes, as BSRGAN does.
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
        fixed: bool = False,
    ) -> None:
        super().__init__()
        self.ways = probabilities("up, down, keep", [up, down, keep])
        self.factor = checked("factor", factor, 0.01, 100)
        if (down > 0 and factor[0] > 1) or (up > 0 and factor[1] < 1):
            raise InputError(f"factor={list(factor)}: must start below 1 for down={down}, and end above 1 for up={up}")
        if not modes or any(mode not in MODES for mode in modes):
            raise InputError(f"modes={list(modes)}: choose at least one of {', '.join(MODES)}")
        self.modes, self.lr_scale = list(modes), None if lr_scale is None else whole("lr_scale", lr_scale)
        self.inverse, self.fixed = switch("inverse", inverse), switch("fixed", fixed)
        # The factors of enlarged, shrunk and kept pictures; None: drawn.
        ends = (1.0 if factor[1] == 1 else None, factor[0] if fixed or factor[0] == 1 else None, 1.0)
        found = {end for end, weight in zip(ends, (up, down, keep), strict=True) if weight}
        self.only = found.pop() if len(found) == 1 else None

    def sample(self, draws: Draws) -> dict[str, np.ndarray]:
        """{"factor": float64, "mode": index into `modes`}, (count,) each."""
        way, (low, high) = np.searchsorted(self.ways, draws.uniform(), "right"), self.factor
        place = draws.uniform()
        place = np.zeros_like(place) if self.fixed else place
        down = 1 / (1 + (1 - place) * (1 / low - 1)) if self.inverse else low + place * (1 - low)
        factor = np.select([way == 0, way == 1], [1 + place * (high - 1), down], 1.0)
        return {"factor": factor, "mode": draws.integers(len(self.modes))}

    def plan(self, parameters: Parameters, step: float) -> list[Operation]:
        target = (step if self.lr_scale is None else float(self.lr_scale)) / parameters["factor"]
        mode = self.modes[parameters["mode"]]
        return [Linear(target, axis=partial(band.resized, mode, target / step))] if target != step else []

    def words(self, parameters: Parameters) -> str:
        factor, mode = parameters["factor"], self.modes[parameters["mode"]]
        if self.lr_scale is not None:
            return f"to {'' if factor == 1 else f'{factor:.2f} of '}LR size {mode}"
        return "" if factor == 1 else f"{'down' if factor < 1 else 'up'} {factor:.2f} {mode}"

    def width(self, step: float | None) -> float | None:
        base = step if self.lr_scale is None else float(self.lr_scale)
        return base / self.only if base and self.only else None
