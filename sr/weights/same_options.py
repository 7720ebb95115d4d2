"""Compares options of a network that no tensor shows, such as a residual scale: two files, or a file and a config, may differ
in them although each accepts the other's weights.
"""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.utils import get_class

from sr.weights import checkpoint


def differing(config: Mapping[str, Any], file: str | Path) -> list[str]:
    """The options in which the network of a checkpoint of ours differs from the one that `config` describes.

    Args:
        config: plain values of a built network: `_target_` and options. Missing options have the class's defaults.

    Returns:
        Such as ["res_scale=0.1 (here 1.0)"]; empty for a file of others, which has no config.
    """
    stored = checkpoint.about(file).get("sr", {}).get("network")
    if not isinstance(stored, Mapping):
        return []
    here, there = config.get("_target_"), stored.get("_target_")
    if here != there:
        return [f"{str(there).rpartition('.')[2]} (here {str(here).rpartition('.')[2]})"]
    parameters = inspect.signature(get_class(here)).parameters.values()
    defaults = {one.name: one.default for one in parameters if one.default is not one.empty}
    ours, theirs = defaults | dict(config), defaults | dict(stored)
    known = [key for key in defaults if None not in (ours[key], theirs[key])]  # the class computes a default for None
    return [f"{key}={theirs[key]} (here {ours[key]})" for key in known if _plain(ours[key]) != _plain(theirs[key])]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
