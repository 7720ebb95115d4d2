"""Which images of an evaluation set are measured, and which of them by which process."""

from typing import Any

from sr.errors import InputError


def limited(length: int, limit: float | int | None, key: str, name: str) -> int:
    """How many images of a set are measured: the first `limit` of them, or that fraction of them, rounded down.

    Args:
        length: images of the set.
        limit: an int counts images, a float from 0 to 1 is a fraction, None is all of them: Lightning's meaning, except that
            it counts the images of the whole set and not those of each process.
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
        raise InputError(f"{key}={limit} of the {length} images of {name} is none: pass at least {1 / length:.2g}, or {key}=1")
    return count


def share(count: int, rank: int, world: int) -> range:
    """The images that process `rank` of `world` measures: every world-th one, and no image is measured by two processes.

    Except where there are fewer images than processes: Lightning refuses an empty loader, so that the others measure the
    first image too, which the average counts once.
    """
    return range(rank, count, world) or range(min(count, 1))


def position(trainer: Any, batch_idx: int) -> int:
    """Place in its set of the image that this process measures as its batch_idx-th; the inverse of `share`."""
    return trainer.global_rank + batch_idx * trainer.world_size
