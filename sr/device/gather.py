"""Gathers values from all processes of a run."""

from typing import Any

import torch


def gathered(trainer: Any, value: Any) -> list[Any]:
    """`value` of each process, by rank. All processes must call this, with a value that can be pickled."""
    if trainer.world_size == 1:
        return [value]
    parts = [None] * trainer.world_size
    torch.distributed.all_gather_object(parts, value)
    return parts
