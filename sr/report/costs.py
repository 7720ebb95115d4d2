"""What a network costs: its size, and the time of one image, measured side by side."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

import torch
from torch import nn

from sr.count import multiply_adds, parameters


@dataclass
class Cost:
    """Of one network; None: not known. `seconds` for a megapixel of output, memory in MB."""

    parameters: int | None = None
    multiply_adds: float | None = None  # of a 1280x720 output
    seconds: float | None = None
    memory: float | None = None  # peak of the device in that measurement; a GPU's alone
    training_seconds: float | None = None
    training_memory: float | None = None
    steps: int | None = None


def sizes(network: nn.Module) -> Cost:
    return Cost(parameters=parameters(network), multiply_adds=multiply_adds(network))


def measure(
    networks: Mapping[str, nn.Module], side: int, *, device: torch.device, rounds: int = 9, limit: float = 60
) -> dict[str, tuple[float, float | None]]:
    """(median seconds for a megapixel of output, peak MB or None) of each network on a side x side LR image.

    The networks take turns, so that what else the machine does meets all of them; the first round is not counted. No round
    begins after `limit` seconds, but each network is measured once.
    """
    lr = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)).to(device)
    times: dict[str, list[float]] = {name: [] for name in networks}
    memory: dict[str, float | None] = dict.fromkeys(networks)
    started = time.perf_counter()
    for turn in range(rounds + 1):
        if turn > 1 and time.perf_counter() - started > limit:
            break
        for name, network in networks.items():
            network.to(device)
            seconds, memory[name] = _once(network, lr)
            if turn:
                times[name].append(seconds)
            network.to("cpu")
    return {name: (median(times[name]) / (network.scale * side) ** 2 * 1e6, memory[name]) for name, network in networks.items()}


def _once(network: nn.Module, lr: torch.Tensor) -> tuple[float, float | None]:
    cuda = lr.is_cuda
    if cuda:
        torch.cuda.reset_peak_memory_stats()
        torch.cuda.synchronize()
    with torch.inference_mode():
        started = time.perf_counter()
        network(lr)
        if cuda:
            torch.cuda.synchronize()
        seconds = time.perf_counter() - started
    return seconds, torch.cuda.max_memory_allocated() / 1e6 if cuda else None
