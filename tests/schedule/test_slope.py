"""ZSSR's learning-rate rule against NumPy's line, on a series that falls and then only scatters."""

import math

import numpy as np
import pytest

from sr.schedule.slope import Slope, fitted

SERIES = [math.exp(-step / 300) + 0.01 * math.sin(step) for step in range(0, 3000, 50)]


@pytest.mark.parametrize("first", [0, 10, 40])
def test_line_is_that_of_polyfit(first):
    steps, errors = np.arange(first * 50, first * 50 + 250, 50), SERIES[first : first + 5]
    slope, deviation = fitted(list(zip(steps.tolist(), errors, strict=True)))
    (line, at_zero), unscaled = np.polyfit(steps, errors, 1, cov="unscaled")
    rest = np.square(line * steps + at_zero - errors).sum() / (len(errors) - 4)  # NumPy's divisor up to 1.15
    assert slope == pytest.approx(line) and deviation == pytest.approx(np.sqrt(unscaled[0, 0] * rest))


def their_changes(errors):
    """The steps after which the authors' learning_rate_policy changes the rate (ZSSR.py), with NumPy's line."""
    changed, rate, steps, found = [0], 1e-3, [], []
    for step in range(3000):
        if step % 50 == 0:
            steps.append(step)
            found.append(errors[step // 50])
        if not (1 + step) % 60 and step - changed[-1] > 256:
            (slope, _), unscaled = np.polyfit(steps[-5:], found[-5:], 1, cov="unscaled")
            rest = np.square(np.polyval(np.polyfit(steps[-5:], found[-5:], 1), steps[-5:]) - found[-5:]).sum()
            if -1.5 * slope < np.sqrt(unscaled[0, 0] * rest):
                rate /= 10
                changed.append(step)
        if rate < 9e-6:
            break
    return changed[1:], step + 1


def test_rates_fall_where_the_authors_do_and_survive_a_resume():
    rule, changes = Slope(), []
    while not rule.done:
        if rule.steps % 400 == 399:  # as a resumed run
            state, rule = rule.state_dict(), Slope()
            rule.load_state_dict(state)
        before = rule.rate
        rule.step(SERIES[rule.steps // 50] if rule.measures else None)
        changes += [rule.steps - 1] if rule.rate != before else []
    assert (changes, rule.steps) == their_changes(SERIES) and len(changes) == 3
    assert rule.rate == pytest.approx(1e-6)
