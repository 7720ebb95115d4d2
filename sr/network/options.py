"""Checks options of transformers that do not fit together, before their class fails with a long traceback."""

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from sr.errors import InputError

_ONE_FOR_EACH_BLOCK = ("depths", "depth", "num_heads")  # lists, which a YAML may give as one number
_IMG_SIZE = 64  # spandrel's default: attention masks are made for this size, and windows must divide it


def fitted(architecture: Callable, options: Mapping[str, Any], n_feats: int, n_blocks: int | None) -> dict[str, Any]:
    """The options for a constructor: lists with one number per block, and masks for an image that the windows divide.

    Raises:
        InputError: one line with the option and valid values.
    """
    options = dict(options)
    for key in _ONE_FOR_EACH_BLOCK:
        if isinstance(options.get(key), int):
            options[key] = [options[key]] * (n_blocks or 1)
        elif isinstance(options.get(key), list) and len(options[key]) != n_blocks:
            raise InputError(f"network.options.{key} has {len(options[key])} numbers, but network.n_blocks={n_blocks}")
    for heads in options.get("num_heads") or []:
        if type(heads) is not int or heads < 1 or n_feats % heads:
            fit = ", ".join(str(n) for n in range(1, n_feats + 1) if n_feats % n == 0 and n <= 16)
            raise InputError(
                f"network.options.num_heads={heads} does not divide network.n_feats={n_feats}; choose one of {fit}"
            )
    windows = _windows(options)
    ratio = options.get("overlap_ratio")
    if ratio is not None and windows and int(windows[0] * ratio) % 2:
        raise InputError(
            f"network.options.window_size={windows[0]}: window_size x overlap_ratio ({ratio}) must be even, so that both sides "
            f"overlap equally; choose window_size={windows[0] + 1}"
        )
    multiple = math.lcm(*windows) if windows else 1
    if _IMG_SIZE % multiple and architecture.__name__ == "RGT":  # the size is fixed in its code
        raise InputError(f"network.options.split_size={windows}: RGT needs divisors of {_IMG_SIZE}, such as [8,32] or [16,16]")
    if _IMG_SIZE % multiple and "img_size" in inspect.signature(architecture).parameters:
        options.setdefault("img_size", -(-_IMG_SIZE // multiple) * multiple)
    return options


def _windows(options: Mapping[str, Any]) -> list[int]:
    """Sides of the attention windows."""
    for key in ("window_size", "split_size"):
        value = options.get(key)
        sides = value if isinstance(value, list) else [value]
        if value is not None and (
            any(type(side) is not int or side < 1 for side in sides) or len(sides) != 1 + (key[0] == "s")
        ):
            what = "a whole number of at least 1" if key == "window_size" else "two whole numbers of at least 1, such as [8,32]"
            raise InputError(f"network.options.{key}={value}: {what}")
        if value is not None:
            return sides
    return []
