"""Intervals over images and seeds, exact paired tests, and a correction for many comparisons.

Scores of one variant on one set are an array (seeds, images). Every network meets every image, so seeds and images are
crossed: the variance of a mean is the variance of the image means divided by the number of images, plus that of the seed
means divided by the number of seeds (slightly too much, because the interaction of image and seed is in both). Intervals use
Student's t with the degrees of freedom of Satterthwaite 1946 (doi:10.2307/3002019), which account for small samples: for two
images they are 6.5 times as wide as with the normal distribution; for one image there is no interval.

The p-value is that of the sign-flip test on the differences of the images (Fisher 1935, The Design of Experiments, section
21): if two variants do not differ, each sign is equally likely, so p is the fraction of all 2^n sign choices whose mean is
at least as far from 0. With five images p cannot be below 2/32 = 0.0625, however large the difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import t

EXACT = 20  # up to this many images all sign choices are tried, half a million sums; beyond it random ones


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval; low and high are None if they cannot be estimated from a single value or without
    variance."""

    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Difference(Estimate):
    """Two variants on the same images; p is two-sided, `corrected` is p corrected for all comparisons of the report
    (Holm)."""

    p: float | None = None
    corrected: float | None = None


def estimate(scores: np.ndarray, most: float | None = None) -> Estimate:
    """The mean of scores (seeds, images). One image has no interval: seeds say nothing about other images.

    `most` is the best possible score (1 for SSIM): an interval ends there.
    """
    mean = float(scores.mean())
    if scores.shape[1] < 2:
        return Estimate(mean)
    low, high = _interval(mean, [scores.mean(0), scores.mean(1)])
    return Estimate(mean, low, high if None in (high, most) else min(high, most))


def difference(scores: np.ndarray, base: np.ndarray, rng: np.random.Generator, draws: int = 10_000) -> Difference:
    """The comparison of two variants' scores (seeds, images) on the same images.

    p is that of `sign_flip`. With several seeds it is at least that of the t test over images and seeds, on which the
    interval is based: images alone do not show the variation of training. One image is not tested.
    """
    gaps = scores.mean(0) - base.mean(0)
    mean = float(gaps.mean())
    if len(gaps) < 2:
        return Difference(mean)
    groups = [gaps, scores.mean(1), base.mean(1)]
    p = sign_flip(gaps, rng, draws)
    if max(len(scores), len(base)) > 1:
        variance, freedom = _variance(groups)
        p = max(p, float(2 * t.sf(abs(mean) / np.sqrt(variance), freedom)) if variance else float(mean == 0))
    return Difference(mean, *_interval(mean, groups), p)


def sign_flip(gaps: np.ndarray, rng: np.random.Generator, draws: int = 10_000) -> float:
    """Two-sided p for a mean of 0: exact up to `EXACT` values, otherwise from `draws` random sign choices.

    With random choices it is (b + 1) / (draws + 1), where b are at least as far from 0; so never 0 (Phipson and Smyth 2010,
    doi:10.2202/1544-6115.1585).
    """
    observed = abs(gaps.sum())
    least = observed - 1e-9 * np.abs(gaps).sum()  # sums in another order differ in their last bits
    if len(gaps) <= EXACT:
        sums = gaps[:1]  # inverting all signs gives the same distances
        for gap in gaps[1:]:
            sums = np.concatenate([sums + gap, sums - gap])
        return float(np.mean(np.abs(sums) >= least))
    signs = rng.integers(0, 2, (draws, len(gaps)), dtype=np.int8) * 2 - 1
    return float((1 + np.count_nonzero(np.abs(signs @ gaps) >= least)) / (1 + draws))


def smallest(n_images: int, draws: int = 10_000) -> float:
    """The smallest p that this number of images can give."""
    return 2.0 ** (1 - n_images) if n_images <= EXACT else 1 / (1 + draws)


def _interval(mean: float, groups: Sequence[np.ndarray]) -> tuple[float, float] | tuple[None, None]:
    variance, freedom = _variance(groups)
    if variance == 0:
        return None, None
    half = float(t.ppf(0.975, freedom) * np.sqrt(variance))
    return mean - half, mean + half


def _variance(groups: Sequence[np.ndarray]) -> tuple[float, float]:
    """Variance of the mean, and its degrees of freedom; a group with a single value adds nothing."""
    parts = [(float(group.var(ddof=1)) / len(group), len(group) - 1) for group in groups if len(group) > 1]
    variance = sum(part for part, _ in parts)
    if variance == 0:
        return 0.0, 1.0
    return variance, variance**2 / sum(part**2 / freedom for part, freedom in parts)


def holm(p: Sequence[float]) -> list[float]:
    """p-values corrected for multiple comparisons (Holm 1979, A simple sequentially rejective multiple test procedure)."""
    order = np.argsort(p)
    stepped = np.asarray(p)[order] * np.arange(len(p), 0, -1)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return corrected.tolist()


def corrected(found: Mapping[tuple, Difference]) -> dict[tuple, Difference]:
    """The same differences with Holm's correction over all that have a p."""
    tested = {key: one.p for key, one in found.items() if one.p is not None}
    after = dict(zip(tested, holm(list(tested.values())), strict=True)) if tested else {}
    return {key: replace(one, corrected=after.get(key)) for key, one in found.items()}
