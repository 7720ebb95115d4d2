"""Random parameters of several named parts in one dict: `sigma` of the part `blur` is called "blur.sigma"."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sr.functional.draws import Draws


def sample_each(parts: Mapping[str, Any], draws: Draws) -> dict[str, np.ndarray]:
    """The parameters of all parts, {"<part>.<parameter>": (count, ...)}; each part draws from a stream of its name.

    Args:
        parts: name -> an object with `sample(draws)` -> {"<parameter>": (count, ...)}.
    """
    return {f"{name}.{key}": value for name, part in parts.items() for key, value in part.sample(draws.stream(name)).items()}


def own(parameters: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The parameters of the part `name`, under their own names."""
    prefix = f"{name}."
    return {key[len(prefix) :]: value for key, value in parameters.items() if key.startswith(prefix)}
