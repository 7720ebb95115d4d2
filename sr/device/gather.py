"""What the processes of a run have found out, brought together."""

from typing import Any

import torch


def gathered(trainer: Any, value: Any) -> list[Any]:
    """`value` of each process, in the order of their ranks. Every process must call it, with a value that can be pickled."""
    if trainer.world_size == 1:
        return [value]
    parts = [None] * trainer.world_size
    torch.distributed.all_gather_object(parts, value)
    return parts
