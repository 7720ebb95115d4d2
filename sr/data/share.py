"""Which images of an evaluation set are measured, and by which process."""

import os
from typing import Any

from sr.errors import InputError


def limited(length: int, limit: float | int | None, key: str, name: str) -> int:
    """The number of images of a set to measure: the first `limit`, or that fraction, rounded down.

    Args:
        length: images of the set.
        limit: an int counts images, a float from 0 to 1 is a fraction, None is all: as in Lightning, except that it counts
            the images of the whole set instead of those per process.
        key, name: of the limit and of the set, for the error.

    Raises:
        InputError: a fraction that leaves no image.
    """
    if limit is None:
        return length
    if isinstance(limit, int):
        return min(length, limit)
    count = int(length * limit)
    if length and limit and not count:
        raise InputError(
            f"{key}={limit} leaves none of the {length} images of {name}: pass at least {1 / length:.2g}, or {key}=1"
        )
    return count


def share(count: int, rank: int, world: int) -> range:
    """The images that process `rank` of `world` measures: every world-th one, so that no image is measured twice.

    If there are fewer images than processes, the others measure the first image too, which the average counts once: Lightning
    refuses an empty loader.
    """
    return range(rank, count, world) or range(min(count, 1))


def position(trainer: Any, batch_idx: int) -> int:
    """Index in its set of the image that this process measures as its batch_idx-th; the inverse of `share`."""
    return trainer.global_rank + batch_idx * trainer.world_size


def n_processes(device: str) -> int:
    """Processes that cut patches, where the user chose none: 2 with a GPU, fewer if there are few CPUs, none on the CPU."""
    return 0 if device == "cpu" else min(2, (os.cpu_count() or 1) - 1)
