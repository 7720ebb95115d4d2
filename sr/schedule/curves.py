"""Learning-rate schedules as functions of the step: the step is their only state."""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from sr.errors import InputError


class Schedule(LRScheduler):
    """Sets lr = rate(step, base) in each parameter group; base is the lr with which the group was created.

    ``step()`` is called once after each optimizer step. The state is only the step: on resume the formula and the base lr of
    the current config replace those of the file, so a changed ``optimizer.lr``, ``trainer.max_steps`` or milestone takes
    effect at once. (torch's own schedulers restore their old lengths and base lrs.)

    Load the optimizer's state first, then this one, as Lightning does: loading writes the lr into the groups.

    Args:
        optimizer: with its lr in each group.
        rate: (step, base lr) -> lr; step counts from 0 and may exceed the planned length.
    """

    def __init__(self, optimizer: Optimizer, rate: Callable[[int, float], float]):
        self.rate = rate
        super().__init__(optimizer)

    def get_lr(self) -> list[float]:
        return [self.rate(self.last_epoch, base) for base in self.base_lrs]

    def state_dict(self) -> dict[str, int]:
        return {"last_epoch": self.last_epoch}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        self.last_epoch = state_dict["last_epoch"]
        self._last_lr = self.get_lr()
        for group, base, lr in zip(self.optimizer.param_groups, self.base_lrs, self._last_lr, strict=True):
            group["initial_lr"], group["lr"] = base, lr


def constant(optimizer: Optimizer) -> Schedule:
    """lr = base."""
    return Schedule(optimizer, lambda step, base: base)


def linear(optimizer: Optimizer, *, max_steps: int, min_lr: float = 0.0) -> Schedule:
    """lr = base * (1 - step / max_steps), at least min_lr.

    Raises:
        InputError: max_steps below 1.
    """
    _check_length(max_steps)
    return Schedule(optimizer, lambda step, base: max(min_lr, base * (1 - step / max_steps)))


def multistep(optimizer: Optimizer, *, milestones: Sequence[int], gamma: float = 0.5) -> Schedule:
    """lr = base * gamma^(number of milestones reached).

    Raises:
        InputError: milestones that are not ascending.
    """
    milestones = list(milestones)
    if milestones != sorted(milestones):
        raise InputError(f"milestones={milestones} must be ascending")
    return Schedule(optimizer, lambda step, base: base * gamma ** bisect_right(milestones, step))


def warmup_cosine(optimizer: Optimizer, *, max_steps: int, warmup_steps: int = 0, min_lr: float = 0.0) -> Schedule:
    """Linear warm-up to base in ``warmup_steps`` steps, then half a cosine down to min_lr at ``max_steps``.

    A run shorter than its warm-up ends on the ramp. Source: Loshchilov and Hutter 2017, SGDR, arXiv:1608.03983,
    equation 5, without restarts; warm-up: Goyal et al. 2017, arXiv:1706.02677, section 2.2.

    Raises:
        InputError: max_steps below 1 (Lightning's -1 means endless; there is no end to fall to).
    """
    _check_length(max_steps)

    def rate(step: int, base: float) -> float:
        if step < warmup_steps:
            return base * (step + 1) / warmup_steps
        progress = min((step - warmup_steps) / max(max_steps - warmup_steps, 1), 1.0)
        return min_lr + (base - min_lr) * (1 + math.cos(math.pi * progress)) / 2

    return Schedule(optimizer, rate)


def one_cycle(
    optimizer: Optimizer,
    *,
    max_steps: int,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Cosine up from base / div_factor to base, then down to base / div_factor / final_div_factor; base is the peak.

    The lr of torch's OneCycleLR (cycle_momentum=False) with its defaults, except that it stays at the final value afterwards
    instead of raising an error. Source: Smith and Topin 2018, Super-Convergence, arXiv:1708.07120.

    Args:
        max_steps: length of the cycle; its last step, max_steps - 1, has the smallest lr.
        pct_start: share of the steps in which lr rises.

    Raises:
        InputError: max_steps below 1.
    """
    _check_length(max_steps)
    peak, last = pct_start * max_steps - 1, max_steps - 1

    def rate(step: int, base: float) -> float:
        first, end = base / div_factor, base / div_factor / final_div_factor
        if step < peak:
            return _cosine(first, base, step / peak)
        return _cosine(base, end, min((step - peak) / max(last - peak, 1), 1.0))

    return Schedule(optimizer, rate)


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


def _check_length(max_steps: int) -> None:
    if max_steps < 1:
        raise InputError(f"this schedule needs the length of the run: set trainer.max_steps above 0 (it is {max_steps})")
