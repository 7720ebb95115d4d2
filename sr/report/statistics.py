"""Intervals over images and seeds, exact paired tests, and a correction for many comparisons.

Scores of one variant on one set are an array (seeds, images). Every network meets every image, so seeds and images are
crossed: the variance of a mean is that of the image means over the number of images, plus that of the seed means over the
number of seeds (a little too much, as what is peculiar to one image of one seed is in both). Intervals take Student's t with
the degrees of freedom of Satterthwaite 1946 (doi:10.2307/3002019), which knows how few values there are: of two images they
are 6.5 times as wide as the normal distribution would have them, of one there is none.

A p-value is that of the sign-flip test of the differences of the images (Fisher 1935, The Design of Experiments, section 21):
without a difference between two variants each sign is as likely as the other, so p is the share of all 2^n ways to choose n
signs whose mean is at least as far from 0. Five images cannot go below 2/32 = 0.0625, however large the difference is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import t

EXACT = 20  # images up to which all signs are tried: half a million sums; beyond, random ones


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval; low and high are None where one value alone, or no variance, tells nothing of it."""

    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Difference(Estimate):
    """Of two variants on the same images; p is two-sided, `corrected` is p for all comparisons of the report (Holm)."""

    p: float | None = None
    corrected: float | None = None


def estimate(scores: np.ndarray, most: float | None = None) -> Estimate:
    """The mean of scores (seeds, images). One image has no interval: seeds tell nothing about other images.

    `most` is the best that a score can be (1 for SSIM): an interval ends there.
    """
    mean = float(scores.mean())
    if scores.shape[1] < 2:
        return Estimate(mean)
    low, high = _interval(mean, [scores.mean(0), scores.mean(1)])
    return Estimate(mean, low, high if None in (high, most) else min(high, most))


def difference(scores: np.ndarray, base: np.ndarray, rng: np.random.Generator, draws: int = 10_000) -> Difference:
    """Of two variants' scores (seeds, images) on the same images.

    p is that of `sign_flip`. With several seeds it is at least that of t over images and seeds, by which the interval is made:
    images alone do not know the chance of the training. One image is not tested.
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
    """Two-sided p of a mean of 0: exact up to `EXACT` values, else from `draws` random choices of signs.

    Of random ones it is (b + 1) / (draws + 1), b as far from 0 as the mean is, and so never 0 (Phipson and Smyth 2010,
    doi:10.2202/1544-6115.1585).
    """
    observed = abs(gaps.sum())
    least = observed - 1e-9 * np.abs(gaps).sum()  # sums of the same values in another order differ in their last bits
    if len(gaps) <= EXACT:
        sums = gaps[:1]  # with all signs the other way round come the same distances
        for gap in gaps[1:]:
            sums = np.concatenate([sums + gap, sums - gap])
        return float(np.mean(np.abs(sums) >= least))
    signs = rng.integers(0, 2, (draws, len(gaps)), dtype=np.int8) * 2 - 1
    return float((1 + np.count_nonzero(np.abs(signs @ gaps) >= least)) / (1 + draws))


def smallest(n_images: int, draws: int = 10_000) -> float:
    """The least p that so many images can give."""
    return 2.0 ** (1 - n_images) if n_images <= EXACT else 1 / (1 + draws)


def _interval(mean: float, groups: Sequence[np.ndarray]) -> tuple[float, float] | tuple[None, None]:
    variance, freedom = _variance(groups)
    if variance == 0:
        return None, None
    half = float(t.ppf(0.975, freedom) * np.sqrt(variance))
    return mean - half, mean + half


def _variance(groups: Sequence[np.ndarray]) -> tuple[float, float]:
    """Of the mean, and its degrees of freedom; each group adds its own, one of a single value nothing."""
    parts = [(float(group.var(ddof=1)) / len(group), len(group) - 1) for group in groups if len(group) > 1]
    variance = sum(part for part, _ in parts)
    if variance == 0:
        return 0.0, 1.0
    return variance, variance**2 / sum(part**2 / freedom for part, freedom in parts)


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
    return {key: replace(one, corrected=after.get(key)) for key, one in found.items()}
