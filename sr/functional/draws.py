"""Random numbers of training samples: those of sample i are a pure function of (seed, stream, i).

Philox is counter-based (Salmon et al., SC 2011): any row of an endless table can be computed without the previous ones. Each
consumer (choice of the image, a degradation, an augmentation, dropout, ...) has its own stream: a table under its own key.
Sample i owns row i of every table. So any number of workers and devices and any resume point give the same numbers, and no
consumer affects another.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from threading import Lock

import numpy as np

from sr.errors import InputError

# One generator for all streams: creating one takes 15 us, as long as cutting a training sample; setting its state takes 2 us.
_PHILOX, _LOCK = np.random.Philox(key=0), Lock()
_NOTHING_LEFT = {"buffer": (0, 0, 0, 0), "buffer_pos": 4, "has_uint32": 0, "uinteger": 0}
_WIDTH = 8  # words per row; a multiple of 4, Philox' block, so that row i begins at counter i * _WIDTH / 4


class Draws:
    """Random numbers of samples start .. start + count - 1, one per sample and call.

    Each call takes the next column of every sample's row, independent of the data, so the numbers of sample i depend only on
    (seed, stream, i) and the order of the calls.

    Args:
        seed: in [0, 2**64).
        start: the first sample, in [0, 2**59).
        count: the number of samples.
        stream: name of the consumer. Two names give independent numbers; the same name gives the same numbers again.

    Raises:
        InputError: seed, start or count out of range, or an empty stream name.
    """

    def __init__(self, seed: int, start: int, count: int, stream: str) -> None:
        if not 0 <= seed < 2**64:
            raise InputError(f"seed must be in [0, 2**64), got {seed}")
        if not 0 <= start < 2**59 or count < 0:
            raise InputError(f"start must be in [0, 2**59) and count not negative, got start={start}, count={count}")
        if not stream:
            raise InputError("a stream needs a name, because two unnamed consumers would draw the same numbers")
        self.seed, self.start, self.count, self.name = seed, start, count, stream
        self._columns = 0
        self._table: np.ndarray | None = None

    def stream(self, name: str) -> Draws:
        """The same samples' numbers for a sub-consumer, such as `sample/augmentation/flip`."""
        return Draws(self.seed, self.start, self.count, f"{self.name}/{name}")

    def _next(self) -> np.ndarray:
        """The next column, uint64 (count,); when a table is used up, another one under the same key follows."""
        table, column = divmod(self._columns, _WIDTH)
        if column == 0:
            words = _words(self.seed, key(self.name), self.start * (_WIDTH // 4), table, self.count * _WIDTH)
            self._table = words.reshape(self.count, _WIDTH)
        self._columns += 1
        return self._table[:, column]

    def uniform(self, low: float | np.ndarray = 0.0, high: float | np.ndarray = 1.0) -> np.ndarray:
        """float64 (count,) in [low, high); the bounds are numbers or arrays (count,)."""
        return low + (self._next() >> np.uint64(11)) * 2.0**-53 * (np.asarray(high) - low)

    def integers(self, high: int | np.ndarray) -> np.ndarray:
        """int64 (count,) in [0, high), `high` a number or an array (count,), each in [1, 2**32]; otherwise InputError."""
        high = np.asarray(high, dtype=np.uint64) if np.all(np.asarray(high) > 0) else np.zeros(1, np.uint64)
        if high.size and not 1 <= high.min() <= high.max() <= 2**32:
            raise InputError("high must be in [1, 2**32] for every sample")
        # 32 random bits times high, without a division: no value's probability is off by more than high / 2**32.
        return (((self._next() >> np.uint64(32)) * high) >> np.uint64(32)).astype(np.int64)

    def normal(self, mean: float | np.ndarray = 0.0, std: float | np.ndarray = 1.0) -> np.ndarray:
        """float64 (count,), normally distributed (Box and Muller 1958); uses two columns."""
        radius = np.sqrt(-2 * np.log1p(-self.uniform()))
        return mean + std * radius * np.cos(2 * np.pi * self.uniform())

    def seeds(self) -> np.ndarray:
        """int64 (count,), 63 random bits each: seeds of generators for consumers that need more numbers, such as noise."""
        return (self._next() >> np.uint64(1)).astype(np.int64)


@cache
def key(stream: str) -> int:
    """64 bits of a stream's name, equal in all processes and Python versions."""
    return int.from_bytes(blake2b(stream.encode(), digest_size=8).digest(), "little")


def _words(seed: int, stream: int, row: int, table: int, count: int) -> np.ndarray:
    """uint64 (count,) of numpy's Philox, with the key (seed, stream) and a 256-bit counter that starts at (row, table)."""
    inner = {"counter": (row, table, 0, 0), "key": (seed, stream)}
    with _LOCK:
        _PHILOX.state = {"bit_generator": "Philox", "state": inner, **_NOTHING_LEFT}
        return _PHILOX.random_raw(count)
