"""Intervals and tests against scipy's, against p-values from the literature, and by how often they are right."""

import numpy as np
import pytest
from scipy import stats

from sr.report.statistics import Bootstrap, Difference, corrected, difference, estimate, holm

RNG = np.random.default_rng(1)


def interval(scores: np.ndarray, draws: int = 10_000) -> tuple[float, float]:
    found = estimate(Bootstrap(scores.shape[1], draws=draws).means(scores), scores.mean())
    return found.low, found.high


def test_the_interval_of_many_images_is_scipys():
    scores = RNG.gamma(3, 2, (1, 400)) + 25  # skewed, as PSNR over a set is
    theirs = stats.bootstrap((scores[0],), np.mean, n_resamples=20_000, method="percentile", rng=0).confidence_interval
    assert interval(scores) == pytest.approx(tuple(theirs), abs=0.02)


@pytest.mark.parametrize("shift", [0.02, 0.04, 0.06])
def test_p_is_that_of_a_permutation_test(shift):
    rng = np.random.default_rng(3)
    gaps = rng.normal(0, 0.3, 100)
    gaps += shift - gaps.mean()
    base = rng.normal(28, 3, 100)
    theirs = stats.permutation_test((gaps,), np.mean, permutation_type="samples", n_resamples=20_000, rng=0).pvalue
    bootstrap = Bootstrap(100)
    ours = difference(bootstrap.means((base + gaps)[None]), bootstrap.means(base[None]), gaps.mean())
    assert 0.03 < theirs < 0.6 and ours.p == pytest.approx(theirs, abs=0.02)
    assert (ours.low < 0 < ours.high) == (ours.p > 0.05)


def test_pairs_make_small_differences_visible():
    base = RNG.normal(28, 3, (1, 50))
    other = base + 0.1 + RNG.normal(0, 0.05, base.shape)
    bootstrap = Bootstrap(50)
    found = difference(bootstrap.means(other), bootstrap.means(base), float((other - base).mean()))
    assert 0.08 < found.low < found.high < 0.13 and found.p < 0.001
    low, high = interval(base)
    assert high - low > 1  # the means' own intervals overlap by far
    same = difference(bootstrap.means(base), bootstrap.means(base), 0.0)
    assert (same.low, same.high, same.p) == (0, 0, 1)


@pytest.mark.parametrize("seeds, images", [(1, 5), (1, 30), (5, 20)])
def test_intervals_hold_the_truth_as_often_as_they_say(seeds, images):
    rng, hits, rounds = np.random.default_rng(2), 0, 400
    for _ in range(rounds):
        scores = 30 + rng.normal(0, 2, (1, images)) + rng.normal(0, 0.8, (seeds, images))
        scores += rng.normal(0, 0.7, (seeds, 1)) if seeds > 1 else 0
        low, high = interval(scores, draws=1000)
        hits += low <= 30 <= high
    assert 0.92 <= hits / rounds <= 0.985, hits / rounds


def test_seeds_widen_the_interval_and_one_image_of_one_seed_has_none():
    images = RNG.normal(28, 0.01, (1, 40))
    low, high = interval(images + np.array([[-0.3], [0.0], [0.3]]))
    assert high - low > 0.5  # the images alone: 0.006
    assert interval(np.array([[30.0]])) == (None, None)


def test_holm():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5]) == [0.5] and max(holm([0.9, 0.8, 0.7])) == 1
    p = RNG.uniform(size=7).tolist()
    rejected = [one <= 0.05 for one in holm(p)]
    order = sorted(range(7), key=p.__getitem__)  # the procedure as it is written: step down until one is not rejected
    expected = [False] * 7
    for step, index in enumerate(order):
        if p[index] > 0.05 / (7 - step):
            break
        expected[index] = True
    assert rejected == expected


def test_only_tested_differences_are_counted():
    found = corrected({("a", "x"): Difference(1, 0, 2, 0.01), ("b", "x"): Difference(1), ("c", "x"): Difference(1, 0, 2, 0.02)})
    assert [one.corrected for one in found.values()] == [0.02, None, 0.02]
