"""Checks of options in a YAML: ranges [low, high] ([x, x] for a fixed value), probabilities, whole numbers, switches."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Real
from typing import Any

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
    if not isinstance(value, Real) or not 0 <= value <= 1:
        raise InputError(f"{name} must be a probability in [0, 1], got {value}")
    return value


def whole(name: str, value: int, least: int = 1) -> int:
    """`value` itself. InputError if it is not a whole number of at least `least`."""
    if type(value) is not int or value < least:
        raise InputError(f"{name} must be a whole number of at least {least}, got {value}")
    return value


def levels_of(value: int | None) -> int | None:
    """`value` itself: the levels of an image, None for an image without levels. InputError if it is neither."""
    if value is not None and (type(value) is not int or value < 1):
        raise InputError(f"levels must be a whole number of at least 1, or null for images without levels, got {value}")
    return value


def switch(name: str, value: bool) -> bool:
    """`value` itself. InputError if it is neither True nor False: any text would count as true."""
    if type(value) is not bool:
        raise InputError(f"{name} must be true or false, got {value}")
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


def probabilities(name: str, values: Sequence[float]) -> np.ndarray:
    """As `shares`, of values whose sum is 1. InputError if it is not."""
    ends = shares(name, values)
    if abs(sum(values) - 1) > 1e-6:
        raise InputError(f"{name} must be probabilities whose sum is 1, got {list(values)} with a sum of {sum(values):g}")
    return ends


@contextmanager
def called(names: Mapping[str, Any]) -> Iterator[None]:
    """Errors about an option of a part name the option of the whole, which the user wrote: called({"sigma": "noise"}).

    Args:
        names: name with which a part's message begins -> name of the option that is passed on to it.
    """
    try:
        yield
    except InputError as error:
        text = str(error)
        for inner, outer in names.items():
            if text.startswith((f"{inner} ", f"{inner}=", f"{inner}:")):
                raise InputError(f"{outer}{text.removeprefix(inner)}") from None
        raise
