"""backend=auto: the program that runs a network fastest on this machine, by measuring each on a tile of the job's size."""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sr.errors import InputError, StorageError
from sr.export.cached import FILES, cached, check, folder, installed
from sr.files import whole
from sr.infer.upscaler import upscale

TORCH = "torch"
TIMES = "measured.json"  # beside the exported files
FAILS = "fails"  # the key of the reason why a network cannot be exported, in place of times
# Seconds of PyTorch's work from which a file is made: that takes 10 to 60, most of it before the first image, and saves a fifth
# to a third of the work.
WORTH = 120.0
ROUNDS, LONGEST = 5, 4.0  # rounds of measuring; none begins after so many seconds


@dataclass(frozen=True)
class Job:
    """What is to be upscaled.

    Args:
        height, width: LR pixels that the network gets at once.
        pixels: LR pixels of all images; infinite where that is not known.
    """

    height: int
    width: int
    pixels: float = math.inf


def fastest(network: nn.Module, job: Job, machine: str, say: Callable[[str], None] = print) -> nn.Module:
    """The network as run by the fastest back end, which is said with the times, or itself, which is said with the reason.

    Times are stored beside the network's exported files, for this machine and size.

    Args:
        machine: its name, with the number of threads.
    """
    backends = [name for name in FILES if installed(name)]
    if not backends:
        say('backend=auto: PyTorch; onnxruntime or openvino, with onnx and onnxscript, come with pip install ".[export]"')
        return network
    place, key = folder(network), f"{machine}, {job.width}x{job.height}"
    stored, made = _stored(place), {TORCH: network}
    if reason := stored.get(FAILS):
        say(f"backend=auto: PyTorch; {reason}")
        return network
    try:
        check(network)
        if (times := stored.get(key)) is None:
            if (seconds := _work(network, job, place, backends)) < WORTH:
                say(f"backend=auto: PyTorch, which takes about {seconds:.0f} s; exporting the network would take longer")
                return network
            made |= {name: cached(network, name, say, place) for name in backends}
            times = _seconds(made, job, rounds=ROUNDS)
            _store(place, {key: times})
        best = min(times, key=times.__getitem__)
        found = made[best] if best in made else cached(network, best, say, place)
    except (InputError, StorageError) as error:
        say(f"backend=auto: PyTorch; {error}")
        if isinstance(error, InputError):
            with suppress(StorageError):
                _store(place, {FAILS: str(error)})
        return network
    measured = ", ".join(f"{name} {1e3 * seconds:.0f}" for name, seconds in times.items())
    say(f"backend=auto: {best}; milliseconds for {job.width}x{job.height} pixels on this machine: {measured}")
    return found


def _work(network: nn.Module, job: Job, place: Path, backends: Sequence[str]) -> float:
    """About how many seconds PyTorch needs for the whole job; infinite where all files are there: measuring is short then."""
    if all((place / FILES[name]).is_file() for name in backends):
        return math.inf
    return _seconds({TORCH: network}, job, rounds=1)[TORCH] * job.pixels / (job.height * job.width)


def _seconds(networks: Mapping[str, nn.Module], job: Job, rounds: int) -> dict[str, float]:
    """Seconds of the fastest run of each, in turns, after one that does not count if more than one is asked for."""
    multiple = max(network.multiple_of for network in networks.values())
    sides = (-(-side // multiple) * multiple for side in (job.height, job.width))
    lr = torch.rand(1, getattr(networks[TORCH], "channels", 3), *sides, generator=torch.Generator().manual_seed(0))
    networks[TORCH].to(memory_format=torch.channels_last)  # as predict.py runs it
    best = dict.fromkeys(networks, math.inf)
    started = time.perf_counter()
    for number in range(rounds + (rounds > 1)):
        for name, network in networks.items():
            before = time.perf_counter()
            upscale(network, lr)
            if number or rounds == 1:
                best[name] = min(best[name], time.perf_counter() - before)
        if number and time.perf_counter() - started > LONGEST:
            break
    networks[TORCH].to(memory_format=torch.contiguous_format)
    return best


def _stored(place: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        return json.loads((place / TIMES).read_text())
    return {}


def _store(place: Path, found: dict[str, Any]) -> None:
    with whole(place / TIMES) as temporary:
        temporary.write_text(json.dumps(_stored(place) | found, indent=1))
