"""The cost of a network: its size, and its time per image, measured side by side."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from torch import nn

from sr.device.count import example, multiply_adds, parameters
from sr.functional.axes import is_volume
from sr.functional.frames import is_burst
from sr.infer.upscaler import channels
from sr.network.inputs import alone, chosen, conditions


@dataclass(frozen=True)
class Timing:
    """Seconds per megapixel of output: the median of `rounds` and the quartiles."""

    seconds: float
    low: float
    high: float
    rounds: int
    memory: float | None = None  # MB, peak of the device; only for GPUs
    shared_with: str | None = None  # the identical network that was timed instead


@dataclass
class Cost:
    """Costs of one network; None: unknown."""

    parameters: int | None = None
    multiply_adds: float | None = None  # for a 1280x720 output
    timing: Timing | None = None
    training_seconds: float | None = None
    training_memory: float | None = None
    steps: int | None = None


def sizes(network: nn.Module) -> Cost:
    return Cost(parameters=parameters(network), multiply_adds=multiply_adds(network))


def identity(network: nn.Module) -> tuple:
    """What two networks with the same work have in common: class, settings and shapes of all their modules."""
    modules = [(name, type(module), _settings(module)) for name, module in network.named_modules()]
    tensors = [*network.named_parameters(), *network.named_buffers()]
    return tuple(modules), tuple((name, tuple(tensor.shape), tensor.dtype) for name, tensor in tensors)


def _settings(module: nn.Module) -> tuple[tuple[str, str], ...]:
    """Attributes set by a constructor, as text; functions by name."""
    own = {key: value for key, value in vars(module).items() if not key.startswith("_") and key != "training"}
    return tuple(sorted((key, _text(value)) for key, value in own.items()))


def _text(value: Any) -> str:
    if isinstance(value, str | int | float | complex | PurePath | None):  # the path of an exported file
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_text(one)}' for key, one in value.items())}}}"
    if isinstance(value, torch.Tensor):
        return f"{tuple(value.shape)} {value.dtype}"
    return getattr(value, "__qualname__", type(value).__qualname__) if isinstance(value, Callable) else type(value).__qualname__


def measure(
    networks: Mapping[str, nn.Module], side: int, *, device: torch.device, rounds: int = 9, limit: float = 60
) -> dict[str, Timing]:
    """The timing of each network on a side x side LR image.

    Identical networks (`identity`) are timed once. The others take turns, every second round in reverse order, so that other
    load affects all of them; the first round does not count. No round starts after `limit` seconds, but each network is
    timed at least once. One that takes more than the image (sr/network/inputs.py), volumes or bursts is not timed; one for
    clips gets a few frames, and its time is that of one.
    """
    first: dict[tuple, str] = {}
    networks = {name: network for name, network in networks.items() if not (conditions(network) or _of_more(network))}
    measured = {name: first.setdefault(identity(network), name) for name, network in networks.items()}
    turns = list(first.values())
    times: dict[str, list[float]] = {name: [] for name in turns}
    memory: dict[str, float | None] = {}
    started = time.perf_counter()
    for number in range(rounds + 1):
        if number > 1 and time.perf_counter() - started > limit:
            break
        for name in turns if number % 2 else reversed(turns):
            network = networks[name].to(device)
            seed = torch.Generator().manual_seed(0)
            lr = torch.rand(1, channels(network), side, side, generator=seed).to(device)
            seconds, memory[name] = _once(network, lr)
            if number:
                times[name].append(seconds)
            network.to("cpu")
    found = {}
    for name, other in measured.items():
        low, middle, high = np.quantile(times[other], (0.25, 0.5, 0.75)) / (networks[name].scale * side) ** 2 * 1e6
        shared = None if other == name else other
        found[name] = Timing(float(middle), float(low), float(high), len(times[other]), memory[other], shared)
    return found


def _of_more(network: nn.Module) -> bool:
    """Whether a network takes more than a picture or the frames of a clip: a volume, or a burst."""
    return is_volume(network) or is_burst(network)


def _once(network: nn.Module, lr: torch.Tensor) -> tuple[float, float | None]:
    cuda = lr.is_cuda
    if cuda:
        torch.cuda.reset_peak_memory_stats()
        torch.cuda.synchronize()
    with torch.inference_mode():
        started = time.perf_counter()
        lr, frames = example(network, lr)
        network(lr, **chosen(network, alone(lr, network.scale)))
        if cuda:
            torch.cuda.synchronize()
        seconds = (time.perf_counter() - started) / frames
    return seconds, torch.cuda.max_memory_allocated() / 1e6 if cuda else None
