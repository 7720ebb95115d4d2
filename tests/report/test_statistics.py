"""Intervals and tests against SciPy's, against a p-value from Fisher's book, and by how often they are right."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from sr.report.statistics import EXACT, Difference, corrected, difference, estimate, holm, sign_flip, smallest

# Darwin's maize, 15 pairs, in eighths of an inch (Fisher 1935, The Design of Experiments, section 17).
MAIZE = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], float)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_p_of_fishers_own_example():
    assert MAIZE.sum() == 314
    assert sign_flip(MAIZE, rng()) == 1726 / 2**15  # 863 in each tail: section 21


def test_five_images_cannot_be_significant():
    """However large and equal the difference is: hand-counted, 2 of 32 choices of signs are as far from 0."""
    gaps = np.array([9.0, 10, 11, 12, 13])
    assert sign_flip(gaps, rng()) == smallest(5) == 2 / 32
    base = np.array([[33.0, 35, 30, 36, 31]])
    for seeds in (1, 3):
        found = difference(np.tile(base + gaps, (seeds, 1)), np.tile(base, (seeds, 1)), rng())
        assert found.p >= 2 / 32 and found.mean == pytest.approx(11)
    several = corrected({("set5", str(index)): found for index in range(4)})
    assert {one.corrected for one in several.values()} == {4 * 2 / 32}


@pytest.mark.parametrize("n", [2, 3, 5, 8, 13])
def test_p_is_scipys_exact_one(n):
    gaps = rng(n).normal(0.4, 1, n)
    theirs = stats.permutation_test((gaps,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert sign_flip(gaps, rng()) == pytest.approx(theirs, abs=1e-12)


def test_p_of_signed_ranks_is_wilcoxons():
    gaps = np.arange(1.0, 13) * np.array([1, -1, 1, 1, -1, 1, 1, 1, -1, 1, 1, 1])
    assert sign_flip(gaps, rng()) == pytest.approx(stats.wilcoxon(gaps, method="exact").pvalue)


def test_sums_that_differ_in_their_last_bit_are_equal():
    gaps = np.array([0.1, 0.2, 0.3, 0.3 - 0.2])
    counted = sum(abs(round(10 * (np.array(signs) @ gaps))) >= round(10 * gaps.sum()) for signs in product((1, -1), repeat=4))
    assert sign_flip(gaps, rng()) == counted / 16
    assert sign_flip(np.zeros(7), rng()) == 1


@pytest.mark.parametrize("shift", [0.02, 0.06])
def test_p_of_many_images_is_scipys_and_never_0(shift):
    gaps = rng(3).normal(0, 0.3, 100)
    gaps += shift - gaps.mean()
    theirs = stats.permutation_test((gaps,), np.mean, permutation_type="samples", n_resamples=50_000, rng=0).pvalue
    assert 0.03 < theirs < 0.6 and sign_flip(gaps, rng(), 50_000) == pytest.approx(theirs, abs=0.01)
    far = gaps + 10
    assert sign_flip(far, rng(), 1000) == smallest(100, 1000) == 1 / 1001


def test_p_is_as_often_small_as_it_says():
    """At most 5 of 100 tests of nothing are below 0.05, of few images and seeds too."""
    draw = rng(4)
    for seeds, images in ((1, 6), (2, 6), (3, 12)):
        p = []
        for _ in range(400):
            easy = draw.normal(30, 3, images)
            a, b = (easy + draw.normal(0, 0.3, (seeds, 1)) + draw.normal(0, 0.2, (seeds, images)) for _ in "ab")
            p.append(difference(a, b, draw).p)
        wanted = 0.05 if seeds > 1 else 1  # one seed: training's chance is not in it, and the page says so
        assert np.mean(np.array(p) < 0.05) <= wanted + 0.025, (seeds, images)


def test_two_seeds_know_little_of_the_training():
    """Images alone would give 2 / 2^20; by the two seeds' means Welch's t gives 0.02, and so does p at the least."""
    images = rng(5).normal(28, 3, 20)
    a, b = images + np.array([[0.5], [0.6]]), images + np.array([[0.0], [0.1]])
    theirs = stats.ttest_ind([0.5, 0.6], [0.0, 0.1], equal_var=False).pvalue
    assert difference(a, b, rng()).p == pytest.approx(theirs, rel=1e-6) and theirs > 0.01


@pytest.mark.parametrize("n", [2, 3, 5, 100])
def test_the_interval_of_one_seed_is_students(n):
    scores = rng(n).normal(28, 3, (1, n))
    theirs = stats.ttest_1samp(scores[0], 0).confidence_interval()
    found = estimate(scores)
    assert (found.low, found.high) == pytest.approx(tuple(theirs))
    gap = difference(scores + rng(1).normal(0.1, 0.05, scores.shape), scores, rng())
    assert gap.low < gap.mean < gap.high and (gap.high - gap.low) < (found.high - found.low) / 5  # pairs


@pytest.mark.parametrize("seeds, images", [(1, 2), (1, 5), (1, 30), (3, 5), (5, 20)])
def test_intervals_hold_the_truth_as_often_as_they_say(seeds, images):
    draw, hits, rounds = rng(2), 0, 600
    for _ in range(rounds):
        scores = 30 + draw.normal(0, 2, (1, images)) + draw.normal(0, 0.8, (seeds, images))
        scores += draw.normal(0, 0.7, (seeds, 1)) if seeds > 1 else 0
        found = estimate(scores)
        hits += found.low <= 30 <= found.high
    assert 0.93 <= hits / rounds <= 0.99, hits / rounds


def test_seeds_widen_the_interval_and_one_image_has_none():
    images = rng(6).normal(28, 0.01, (1, 40))
    found = estimate(images + np.array([[-0.3], [0.0], [0.3]]))
    assert found.high - found.low == pytest.approx(2 * stats.t.ppf(0.975, 2) * 0.3 / np.sqrt(3), rel=0.02)
    for seeds in (1, 3):  # seeds tell nothing about other images
        one = 30 + rng(7).normal(0, 0.2, (seeds, 1))
        assert estimate(one).low is None
        gap = difference(one + 1, one, rng())
        assert (gap.low, gap.high, gap.p) == (None, None, None)
    same = difference(images, images, rng())
    assert (same.mean, same.low, same.p) == (0, None, 1)


def test_no_interval_goes_beyond_the_best_score():
    scores = np.array([[0.7, 0.99]])
    assert estimate(scores).high > 1 and estimate(scores, most=1).high == 1
    assert estimate(scores, most=1).low == estimate(scores).low


def test_beyond_so_many_images_signs_are_drawn():
    gaps = rng(8).normal(1, 1, EXACT)
    assert sign_flip(gaps, rng()) * 2 ** (EXACT - 1) == int(sign_flip(gaps, rng()) * 2 ** (EXACT - 1))
    p = sign_flip(rng(8).normal(0.3, 1, EXACT + 1), rng(), 999)
    assert p * 1000 == pytest.approx(round(p * 1000))


def test_holm():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5]) == [0.5] and max(holm([0.9, 0.8, 0.7])) == 1
    p = rng(9).uniform(size=7).tolist()
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
