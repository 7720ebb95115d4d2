"""The random numbers of training samples: sample i's are a pure function of (seed, i).

Philox is counter based (Salmon et al., SC 2011): any row of an endless table can be computed without those before it.
Sample i owns row i of the tables of `seed`, so any number of workers and devices and any resume point draw the same.
One generator serves a whole batch, because making a numpy Philox costs 20 us, as much as a training sample's slicing.
"""

import numpy as np

from sr.errors import InputError

_WIDTH = 32  # words of a row; a multiple of 4, Philox' block, so that row i begins at counter i * _WIDTH / 4


class Draws:
    """Random numbers of samples start .. start + count - 1, one of each per call.

    Each call takes the next column of every sample's own row, whatever the data, so that sample i's numbers depend on
    (seed, i) and on the order of the calls only. `seed` and `start` lie in [0, 2**64) and [0, 2**59); else ValueError.
    """

    def __init__(self, seed: int, start: int, count: int) -> None:
        if not 0 <= seed < 2**64:
            raise InputError(f"seed must be in [0, 2**64), got {seed}")
        if not 0 <= start < 2**59 or count < 0:
            raise InputError(f"start must be in [0, 2**59) and count not negative, got start={start}, count={count}")
        self.seed, self.start, self.count = seed, start, count
        self._columns = 0
        self._table = np.empty((0, _WIDTH), np.uint64)

    def _next(self) -> np.ndarray:
        """The next column, uint64 (count,); a used-up table is followed by another one under the next key."""
        table, column = divmod(self._columns, _WIDTH)
        if column == 0:
            key = np.array([self.seed, table], dtype=np.uint64)  # a list would be made float64
            generator = np.random.Philox(key=key, counter=self.start * (_WIDTH // 4))
            self._table = generator.random_raw(self.count * _WIDTH).reshape(self.count, _WIDTH)
        self._columns += 1
        return self._table[:, column]

    def uniform(self, low: float | np.ndarray = 0.0, high: float | np.ndarray = 1.0) -> np.ndarray:
        """float64 (count,) in [low, high); the bounds are numbers or arrays (count,)."""
        return low + (self._next() >> np.uint64(11)) * 2.0**-53 * (np.asarray(high) - low)

    def integers(self, high: int | np.ndarray) -> np.ndarray:
        """int64 (count,) in [0, high), `high` a number or an array (count,), each in [1, 2**32]; else ValueError."""
        high = np.asarray(high, dtype=np.uint64) if np.all(np.asarray(high) > 0) else np.zeros(1, np.uint64)
        if high.size and not 1 <= high.min() <= high.max() <= 2**32:
            raise InputError("high must be in [1, 2**32] for every sample, for there is nothing to draw from otherwise")
        # 32 random bits times high, without a division: no value is more than high / 2**32 too likely.
        return (((self._next() >> np.uint64(32)) * high) >> np.uint64(32)).astype(np.int64)

    def normal(self, mean: float | np.ndarray = 0.0, std: float | np.ndarray = 1.0) -> np.ndarray:
        """float64 (count,), normally distributed (Box and Muller 1958); takes two columns."""
        radius = np.sqrt(-2 * np.log1p(-self.uniform()))
        return mean + std * radius * np.cos(2 * np.pi * self.uniform())

    def choice(self, probabilities: list[float] | np.ndarray) -> np.ndarray:
        """int64 (count,): index k with the probability probabilities[k], which sum to 1; else ValueError."""
        probabilities = np.asarray(probabilities, dtype=np.float64)
        if probabilities.ndim != 1 or (probabilities < 0).any() or abs(probabilities.sum() - 1) > 1e-6:
            raise InputError(f"probabilities must be non-negative and sum to 1, got {probabilities.tolist()}")
        # A last bound of infinity: sums such as 0.1 + 0.2 + 0.7 end a little below 1. Zeros are never chosen.
        last = np.flatnonzero(probabilities)[-1]
        return np.searchsorted(np.cumsum(probabilities)[:last], self.uniform(), side="right")

    def seeds(self) -> np.ndarray:
        """int64 (count,), 63 random bits each: seeds of generators that need more numbers than a row, such as noise."""
        return (self._next() >> np.uint64(1)).astype(np.int64)
