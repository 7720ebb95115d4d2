"""backend=auto: the program that runs a network fastest on this machine, by measuring each on a tile of the job's size."""

import copy
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
from sr.export.cached import FILES, cached, check_fixed, folder, installed
from sr.files import whole
from sr.infer.upscaler import upscale

TORCH = "torch"
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
    place, key = folder(network) / "measured.json", f"{machine}, {job.width}x{job.height}"
    stored = _stored(place)
    if reason := stored.get(FAILS):
        say(f"backend=auto: PyTorch; {reason}")
        return network
    try:
        times = stored.get(key) or _measured(network, job, place, backends, say)
        if times is None:
            return network
        _store(place, {key: times})
        best = min(times, key=times.__getitem__)
        made = network if best == TORCH else cached(network, best, say)
    except InputError as error:
        say(f"backend=auto: PyTorch; {error}")
        _store(place, {FAILS: str(error)})
        return network
    except StorageError as error:
        say(f"backend=auto: PyTorch; {error}")
        return network
    measured = ", ".join(f"{name} {1e3 * seconds:.0f}" for name, seconds in times.items())
    say(f"backend=auto: {best}; milliseconds for {job.width}x{job.height} pixels on this machine: {measured}")
    return made


def _measured(
    network: nn.Module, job: Job, place: Path, backends: Sequence[str], say: Callable[[str], None]
) -> dict[str, float] | None:
    """Seconds of each back end for one tile; None, which is said, for a job that is done before they are known."""
    check_fixed(network)
    there = all((place.parent / FILES[name]).is_file() for name in backends)
    seconds = math.inf if there else _seconds({TORCH: network}, job, rounds=1)[TORCH]
    if (whole_job := seconds * job.pixels / (job.height * job.width)) < WORTH:
        say(f"backend=auto: PyTorch, which takes about {whole_job:.0f} s; exporting the network would take longer")
        return None
    return _seconds({TORCH: network, **{name: cached(network, name, say) for name in backends}}, job, rounds=ROUNDS)


def _seconds(networks: Mapping[str, nn.Module], job: Job, rounds: int) -> dict[str, float]:
    """Seconds of the fastest run of each, in turns, after one that does not count if more than one is asked for."""
    multiple = max(network.multiple_of for network in networks.values())
    sides = (-(-side // multiple) * multiple for side in (job.height, job.width))
    lr = torch.rand(1, getattr(networks[TORCH], "channels", 3), *sides, generator=torch.Generator().manual_seed(0))
    # As predict.py runs it, in a copy: the caller's keeps its layout.
    laid = {**networks, TORCH: copy.deepcopy(networks[TORCH]).to(memory_format=torch.channels_last)}
    best = dict.fromkeys(networks, math.inf)
    started = time.perf_counter()
    for number in range(rounds + (rounds > 1)):
        for name, network in laid.items():
            before = time.perf_counter()
            upscale(network, lr)
            if number or rounds == 1:
                best[name] = min(best[name], time.perf_counter() - before)
        if number and time.perf_counter() - started > LONGEST:
            break
    return best


def _stored(place: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        return json.loads(place.read_text())
    return {}


def _store(place: Path, found: dict[str, Any]) -> None:
    with whole(place) as temporary:
        temporary.write_text(json.dumps(_stored(place) | found, indent=1))
