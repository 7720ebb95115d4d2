"""`torch.compile` for training."""

import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor

from sr.device.private import allow_recompiles, compile_modes, cpp_compiler
from sr.errors import InputError

_GRAPHS = ("reduce-overhead", "max-autotune")  # modes that record CUDA graphs


def check(how: bool | str) -> None:
    """Check whether `compiled` can work here.

    Raises:
        InputError: unknown mode or backend, or the C++ compiler that torch needs is missing.
    """
    if not how:
        return  # without asking torch, which would import its compiler
    modes, backends = compile_modes(), torch.compiler.list_backends(exclude_tags=None)
    if isinstance(how, str) and how not in (*modes, *backends):
        raise InputError(f"model.compile={how}: choose true, false, {', '.join(modes)}, or a backend: {', '.join(backends)}")
    if how not in backends:
        _needs_a_compiler(how)


def compiled(part: Callable[..., Any], how: bool | str) -> Callable[..., Any]:
    """A module or function for training: one graph per shape. The module itself and its keys are unchanged.

    Args:
        part: tensors (N, C, H, W) -> tensors.
        how: false, true, a mode of torch.compile, or one of its backends.
    """
    if not how:
        return part
    warnings.filterwarnings("ignore", "Dynamo detected a call to a `functools.lru_cache`")  # ours are pure
    warnings.filterwarnings("ignore", r"Using `torch.compile\(module\)` when there are global hooks")  # a profile
    allow_recompiles(16)  # number of phases x trained networks
    if how is True:
        return torch.compile(part, dynamic=False)
    if how not in compile_modes():
        return torch.compile(part, dynamic=False, backend=how)
    made = torch.compile(part, dynamic=False, mode=how)
    return _kept(made) if how in _GRAPHS and torch.cuda.is_available() else made


def _kept(part: Callable[..., Any]) -> Callable[..., Any]:
    """The function with copies of its results: a CUDA graph overwrites them at its next replay.

    SR is still needed then: the discriminator sees it after the network's loss did.
    """

    @wraps(part)
    def call(*arguments: Any, **named: Any) -> Any:
        return _copied(part(*arguments, **named))

    return call


def _copied(result: Any) -> Any:
    """A tensor, or a tuple or dict of tensors."""
    if isinstance(result, Tensor):
        return result.clone()
    if isinstance(result, dict):
        return {name: _copied(one) for name, one in result.items()}
    return tuple(map(_copied, result))


def _needs_a_compiler(how: bool | str) -> None:
    try:
        cpp_compiler()
    except Exception as error:
        raise InputError(
            f"model.compile={str(how).lower()} needs a C++ compiler, but found none ({type(error).__name__}): install g++ "
            "set CXX, or pass model.compile=false"
        ) from None
