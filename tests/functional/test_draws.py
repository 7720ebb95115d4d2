import hashlib

import numpy as np
import pytest
from scipy import stats

from sr.functional.draws import Draws


def everything(draws: Draws) -> np.ndarray:
    """Columns enough to pass from the first table to the third."""
    columns = [draws.uniform(), draws.integers(1000), draws.normal(), draws.seeds()]
    return np.stack(columns + [draws.uniform() for _ in range(70)], axis=1)


@pytest.mark.parametrize("seed", [0, 7, 2**63 + 1, 2**64 - 1])
def test_a_sample_is_a_function_of_seed_and_index(seed):
    whole = everything(Draws(seed, start=100, count=16, stream="test"))
    assert np.array_equal(everything(Draws(seed, start=107, count=1, stream="test")), whole[7:8])
    assert np.array_equal(everything(Draws(seed, start=110, count=6, stream="test")), whole[10:])


def test_philox_row_is_numpys_own():
    """Row 2 of 8 words a row, and of the table after it, under the key (seed, hash of the stream's name)."""
    key = np.array([5, int.from_bytes(hashlib.blake2b(b"crop", digest_size=8).digest(), "little")], np.uint64)
    draws = Draws(5, start=2, count=1, stream="crop")
    for table in range(3):
        raw = np.random.Philox(key=key, counter=table * 2**64).random_raw(8 * 3).reshape(3, 8)
        for column in range(8):
            assert draws.seeds()[0] == raw[2, column] >> np.uint64(1)


def test_seeds_tables_and_columns_are_independent():
    columns = []
    for seed in (0, 1, 2**63, 2**63 + 1):
        draws = Draws(seed, start=0, count=20_000, stream="test")
        columns += [draws.uniform() for _ in range(34)]  # two of them in the second table
    correlation = np.corrcoef(columns) - np.eye(len(columns))
    assert np.abs(correlation).max() < 5.5 / np.sqrt(20_000)  # 9180 pairs: 4 sigma is ordinary, 5.5 is not


def test_distributions():
    draws = Draws(3, start=2**58, count=100_000, stream="test")
    assert stats.kstest(draws.uniform(-2, 5), stats.uniform(-2, 7).cdf).pvalue > 1e-3
    assert stats.kstest(draws.normal(1, 3), stats.norm(1, 3).cdf).pvalue > 1e-3
    assert stats.chisquare(np.bincount(draws.integers(7), minlength=7)).pvalue > 1e-3
    assert len(set(draws.seeds().tolist())) == 100_000


def test_bounds_may_be_arrays():
    draws = Draws(3, start=0, count=50_000, stream="test")
    high = np.arange(50_000) % 9 + 1
    numbers = draws.integers(high)
    assert numbers.dtype == np.int64 and (numbers >= 0).all() and (numbers < high).all()
    assert all(set(numbers[high == h]) == set(range(h)) for h in range(1, 10))
    low = np.linspace(0, 1, 50_000)
    uniform = draws.uniform(low, low + 1)
    assert ((uniform >= low) & (uniform < low + 1)).all()


def test_types_and_empty_batch():
    draws = Draws(0, 0, 3, "test")
    assert draws.uniform().dtype == draws.normal().dtype == np.float64
    assert draws.integers(2**32).dtype == draws.seeds().dtype == np.int64
    assert (draws.seeds() >= 0).all()
    assert Draws(0, 0, 0, "test").uniform().shape == (0,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Draws(-1, 0, 1, "test"), "seed must be in"),
        (lambda: Draws(2**64, 0, 1, "test"), "seed must be in"),
        (lambda: Draws(0, -1, 1, "test"), "start must be in"),
        (lambda: Draws(0, 0, 1, "test").integers(0), "high must be in"),
        (lambda: Draws(0, 0, 2, "test").integers(np.array([3, -1])), "high must be in"),
        (lambda: Draws(0, 0, 1, ""), "a stream needs a name"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
