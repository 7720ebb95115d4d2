"""A parameter range in a YAML: [low, high], or [x, x] for a fixed value."""

from collections.abc import Sequence
from numbers import Real

import numpy as np

from sr.errors import InputError


def checked(name: str, bounds: Sequence[float], low: float, high: float) -> tuple[float, float]:
    """`bounds` as a tuple. InputError if they are not two ascending numbers in [low, high]."""
    numbers = isinstance(bounds, Sequence) and [isinstance(bound, Real) for bound in bounds] == [True, True]
    if not numbers or not low <= bounds[0] <= bounds[1] <= high:
        got = f"{bounds}; pass [{bounds}, {bounds}] for a single value" if isinstance(bounds, Real) else bounds
        got = list(bounds) if isinstance(bounds, tuple) else got
        raise InputError(f"{name} must be [low, high] with {low:g} <= low <= high <= {high:g}, got {got}")
    return bounds[0], bounds[1]


def probability(name: str, value: float) -> float:
    """`value` itself. InputError if it is not in [0, 1]."""
    if not 0 <= value <= 1:
        raise InputError(f"{name} must be a probability in [0, 1], got {value}")
    return value


def shares(name: str, weights: Sequence[float]) -> np.ndarray:
    """Relative weights -> the upper ends of their shares of [0, 1). InputError: none, a negative one, or a sum of 0."""
    numbers = all(isinstance(weight, Real) for weight in weights)
    values = np.array(weights if numbers else [], np.float64)
    if not len(values) or not values.min() >= 0 or not 0 < values.sum() < np.inf:
        raise InputError(f"{name} must be numbers of at least 0 whose sum is more than 0, got {list(weights)}")
    ends = np.cumsum(values) / values.sum()
    ends[np.flatnonzero(values)[-1] :] = 1.0
    return ends
