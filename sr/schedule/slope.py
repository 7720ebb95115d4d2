"""ZSSR's learning-rate rule: a tenth where the error falls no faster than it scatters, and the end after the smallest rate.

Shocher, Cohen, Irani 2018, arXiv:1712.06087, section 3; the numbers are those of the authors' code, configs.py.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any


class Slope:
    """The learning rate of the next step, from errors that are measured now and then.

    Every `check_every` steps, if more than `wait` steps have passed since the last change, a line is fitted to the errors of
    the last `window` steps. If -`ratio` times its slope is below the slope's standard deviation, `rate` becomes a tenth.

    Args:
        lr: the first rate.
        min_lr: training is `done` when the rate falls below it. The paper says 1e-6; the authors' code stops at 9e-6, which
            is the same end: the rates are 1e-3, 1e-4, 1e-5.
        max_steps: training is also `done` after so many steps.
        measure_every: an error is measured after every so many steps, from the first step on.
    """

    def __init__(
        self,
        *,
        lr: float = 1e-3,
        min_lr: float = 9e-6,
        max_steps: int = 3000,
        ratio: float = 1.5,
        window: int = 256,
        check_every: int = 60,
        wait: int = 256,
        measure_every: int = 50,
    ) -> None:
        self.lr, self.min_lr, self.max_steps, self.ratio = lr, min_lr, max_steps, ratio
        self.window, self.check_every, self.wait, self.measure_every = window, check_every, wait, measure_every
        self.rate, self.changed, self.steps = lr, 0, 0
        self.measured: list[list[float]] = []  # [step, error]

    @property
    def done(self) -> bool:
        return self.rate < self.min_lr or self.steps >= self.max_steps

    @property
    def measures(self) -> bool:
        """Whether the error after the next step is wanted."""
        return self.steps % self.measure_every == 0

    def step(self, error: float | None = None) -> None:
        """After an optimizer step, with the error if `measures` asked for it."""
        at, self.steps = self.steps, self.steps + 1
        if error is not None:
            self.measured.append([at, error])
        if self.steps % self.check_every or at - self.changed <= self.wait:
            return
        slope, deviation = fitted(self.measured[-(self.window // self.measure_every) :])
        if -self.ratio * slope < deviation:
            self.rate, self.changed = self.rate / 10, at

    def state_dict(self) -> dict[str, Any]:
        return {"rate": self.rate, "changed": self.changed, "steps": self.steps, "measured": self.measured}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.rate, self.changed, self.steps = state["rate"], state["changed"], state["steps"]
        self.measured = [list(pair) for pair in state["measured"]]


def fitted(points: Sequence[Sequence[float]]) -> tuple[float, float]:
    """The slope of the line through (step, error), and its standard deviation.

    As numpy.polyfit(cov=True) had it when the authors wrote: residuals over n - 4, not n - 2 as since NumPy 1.16. With five
    points the deviation is larger by the square root of 3, so that rates fall earlier.
    """
    n = len(points)
    if n < 5:
        return 0.0, math.inf  # nothing is known: as good as flat
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    rest = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in points)
    return slope, math.sqrt(rest / (n - 4) / spread)
