"""Intervals over images and seeds, paired tests, corrections for many comparisons; all by the bootstrap (Efron 1979).

Scores of one variant on one set are an array (seeds, images). Seeds and images are crossed, every network meets every image,
so both are drawn again, independently (the pigeonhole bootstrap: Owen 2007, arXiv:0712.1111; slightly too wide rather than
too narrow). The bootstrap of n values has (n - 1) / n of their variance and knows nothing of t, which matters for Set5's five
images and for three seeds: draws are stretched by the root of n / (n - 1), those of images also by t's quantile over the
normal one (as Hesterberg 2015, doi:10.1080/00031305.2015.1089789, expands percentiles). Of seeds there are too few for that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval; low and high are None where there is nothing to draw from."""

    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Difference(Estimate):
    """Of two variants on the same images; p is two-sided, `corrected` is p for all comparisons of the report (Holm)."""

    p: float | None = None
    corrected: float | None = None


def weights(n: int, draws: int, rng: np.random.Generator, *, student: bool = False) -> np.ndarray:
    """(draws, n): how much each of n values counts in each draw; rows sum to 1. `student`: as wide as t."""
    if n == 1:
        return np.ones((draws, 1))
    counts = rng.multinomial(n, np.full(n, 1 / n), size=draws)
    stretch = np.sqrt(n / (n - 1)) * (t.ppf(0.975, n - 1) / norm.ppf(0.975) if student else 1)
    return 1 / n + (counts / n - 1 / n) * stretch


class Bootstrap:
    """Draws of one set's images, the same for all variants: comparisons are paired."""

    def __init__(self, n_images: int, *, draws: int = 10_000, seed: int = 0) -> None:
        self.draws, self.rng = draws, np.random.default_rng([seed, n_images])
        self.images = weights(n_images, draws, self.rng, student=True)

    def means(self, scores: np.ndarray) -> np.ndarray:
        """(draws,) means of scores (seeds, images), with seeds of their own."""
        return ((self.images @ scores.T) * weights(len(scores), self.draws, self.rng)).sum(1)


def estimate(drawn: np.ndarray, mean: float) -> Estimate:
    """Percentiles of drawn means; no interval where all draws are one."""
    if np.ptp(drawn) == 0:
        return Estimate(mean)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(mean, float(low), float(high))


def difference(drawn: np.ndarray, base: np.ndarray, mean: float, single: bool = False) -> Difference:
    """Of two variants' drawn means; p: how often a draw is as far from the difference as the difference is from 0."""
    if single:
        return Difference(mean)
    gaps = drawn - base
    low, high = np.percentile(gaps, [2.5, 97.5])
    p = (1 + np.count_nonzero(np.abs(gaps - mean) >= abs(mean))) / (1 + len(gaps))
    return Difference(mean, float(low), float(high), float(p))


def holm(p: Sequence[float]) -> list[float]:
    """p-values for as many comparisons (Holm 1979, A simple sequentially rejective multiple test procedure)."""
    order = np.argsort(p)
    stepped = np.asarray(p)[order] * np.arange(len(p), 0, -1)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return corrected.tolist()


def corrected(found: Mapping[tuple, Difference]) -> dict[tuple, Difference]:
    """The same differences with Holm's p over all of them that have one."""
    tested = {key: one.p for key, one in found.items() if one.p is not None}
    after = dict(zip(tested, holm(list(tested.values())), strict=True)) if tested else {}
    return {key: Difference(one.mean, one.low, one.high, one.p, after.get(key)) for key, one in found.items()}
