"""Which training images are held out: decided by a hash of their names, so adding files changes little."""

import heapq
from collections.abc import Callable, Sequence
from hashlib import blake2b
from os import fsencode

from sr.functional.draws import Draws

SHARE = 0.05
MOST = 10  # without a size: as many as DIV2K papers validate on, 0801 to 0810 (EDSR, arXiv:1707.02921, section 4.1)


def hash_of(key: str) -> int:
    """64 bits of a name, the same on every machine."""
    return int.from_bytes(blake2b(fsencode(key), digest_size=8).digest(), "little")


def draws(seed: int, name: str, stream: str) -> Draws:
    """The random numbers of an image, which depend only on its name, the seed and the stream."""
    return Draws(seed, hash_of(name) >> 5, 1, stream)  # 59 bits, the limit of Draws


def hold_out(
    keys: Sequence[Sequence[str]], size: float | int | None, usable: Callable[[int, int], bool]
) -> list[tuple[int, int]]:
    """(source, index) of the held-out images, those with the smallest hashes.

    With a fraction, whether an image is held out depends only on its own name. With a number, an added image replaces at
    most one.

    Args:
        keys: for each source the names of its images.
        size: a fraction of the images, at least one; or their number; None: one in twenty, from one to `MOST`.
        usable: (source, index) -> whether that image can be scored; others stay in training.

    Returns:
        Fewer than `size`, or none, if there are not enough: each source keeps at least one image for training.
    """
    ranked = [(hash_of(key), source, place) for source, names in enumerate(keys) for place, key in enumerate(names)]
    limit = (SHARE if size is None else size) * 2**64 if not isinstance(size, int) else 0
    most = size if isinstance(size, int) else MOST if size is None else len(ranked)
    left, found = [len(names) for names in keys], []
    heapq.heapify(ranked)
    while ranked and len(found) < most:
        value, source, place = heapq.heappop(ranked)
        if found and limit and value >= limit:
            break
        if left[source] > 1 and usable(source, place):
            left[source] -= 1
            found.append((source, place))
    return found
