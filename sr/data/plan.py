"""Which samples a process makes, in batches whose patch and batch size may change during training."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sr.errors import InputError
from sr.functional.draws import Draws


@dataclass(frozen=True)
class Phase:
    """From optimizer step `from_step` on: `patch_size` LR pixels, `batch_size` samples per step over all devices; of clips
    `frames` frames."""

    from_step: int
    patch_size: int
    batch_size: int
    frames: int = 1


@dataclass(frozen=True)
class Plan:
    """Micro-batches of a run; `accumulate` of them make an optimizer step. A process makes its equal share of each.

    The samples of a phase start where those of the previous phase end, so the numbering depends only on the phases: not on
    the number of devices and workers, nor on where the run was stopped and resumed.
    """

    seed: int
    phases: tuple[Phase, ...]
    accumulate: int = 1
    first_batch: int = 0
    rank: int = 0
    world_size: int = 1

    def phase(self, batch: int) -> Phase:
        """The phase of micro-batch `batch`."""
        return self.phases[bisect_right([phase.from_step for phase in self.phases], batch // self.accumulate) - 1]

    def samples(self, batch: int) -> tuple[int, int]:
        """The number of this process's first sample of micro-batch `batch`, and the number of samples."""
        phase = self.phase(batch)
        ended = [(a, b) for a, b in pairwise(self.phases) if b.from_step <= phase.from_step]
        before = sum((b.from_step - a.from_step) * a.batch_size for a, b in ended)
        size = phase.batch_size // self.accumulate
        share = size // self.world_size
        return before + (batch - phase.from_step * self.accumulate) * size + self.rank * share, share

    def first_sample(self, batch: int) -> int:
        """The number of the first sample of micro-batch `batch` over all processes."""
        first, share = self.samples(batch)
        return first - self.rank * share

    def draws(self, batch: int, stream: str = "sample") -> Draws:
        """The random numbers of this process's samples of micro-batch `batch`; mixing partners have their own stream."""
        return Draws(self.seed, *self.samples(batch), stream)


def phases(
    progressive: Sequence[Mapping[str, Any]] | None, patch_size: int, batch_size: int, frames: int | None = None
) -> tuple[Phase, ...]:
    """`data.progressive` as phases; without it, one phase. Missing entries default to `patch_size`, `batch_size` and `frames`,
    which only clips have.

    Raises:
        InputError: not a list of mappings, unknown keys, sizes that are not positive, steps that do not start at 0 and
            increase (one line).
    """
    usual = {"from_step": 0, "patch_size": patch_size, "batch_size": batch_size} | (
        {} if frames is None else {"frames": frames}
    )
    made = []
    if not isinstance(progressive, Sequence | None) or not all(isinstance(entry, Mapping) for entry in progressive or []):
        raise InputError(f"data.progressive={progressive} is not a list such as [{{from_step: 0, patch_size: 32}}]")
    for entry in progressive or [{"from_step": 0}]:
        if unknown := [key for key in entry if key not in usual]:
            raise InputError(f"data.progressive: unknown key {unknown[0]!r}; choose from {', '.join(usual)}")
        phase = usual | dict(entry)
        for key, value in phase.items():
            if type(value) is not int or value < (key != "from_step"):
                where = "data.progressive: " if key in entry else "data."
                raise InputError(f"{where}{key}={value!r} is not a positive whole number")
        made.append(Phase(**phase))
    steps = [phase.from_step for phase in made]
    if steps[0] != 0 or any(a >= b for a, b in pairwise(steps)):
        raise InputError(f"data.progressive: from_step must start at 0 and increase, got {steps}")
    return tuple(made)
