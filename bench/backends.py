"""The same network by PyTorch, ONNX Runtime and OpenVINO, side by side: milliseconds for 320x180 LR pixels, x4.

    OMP_NUM_THREADS=2 python bench/backends.py                          # ten minutes, most of them for exporting, once
    OMP_NUM_THREADS=2 python bench/backends.py networks=imdn,espcn rounds=9
    OMP_NUM_THREADS=2 python bench/backends.py networks=compact int8=compact_int8.onnx,other.onnx

All run in turns, in one process, with as many threads, after one run that does not count; the median is printed. PyTorch runs
eagerly, in channels_last. Exported files are those of `backend=...` (sr/export/cached.py), with initial weights, whose values
change no time; a back end that cannot run a network is left out, with its reason. `int8=FILES` are exported files in 8 bits;
each is compared with the network with whose name its own begins.
"""

import os
import statistics
import sys
import time
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from capabilities import photo
from common import options, record, say
from networks import FILES, network
from sr.backend.files import opened
from sr.errors import InputError
from sr.export.cached import cached
from sr.infer.upscaler import upscale
from sr.view.table import markdown

HEIGHT, WIDTH, SCALE = 180, 320, 4
ROUNDS = 7
NETWORKS = ("espcn", "fsrcnn", "compact", "imdn", "edsr_baseline", "swinir_light")  # compact: realesr-animevideov3's size
EAGER = "PyTorch"
BACKENDS = {"ONNX Runtime": "onnxruntime", "OpenVINO": "openvino"}


def exported(whole: nn.Module) -> dict[str, nn.Module]:
    """The network by each back end that can run it."""
    made = {}
    for name, backend in BACKENDS.items():
        try:
            made[name] = cached(whole, backend, lambda line: print(line, file=sys.stderr))
        except InputError as error:
            print(f"{name}: {error}", file=sys.stderr)
    return made


def measure(networks: dict[str, nn.Module], lr: Tensor, rounds: int) -> dict[str, float]:
    """Median milliseconds of each, in turns."""
    times: dict[str, list[float]] = {name: [] for name in networks}
    for number in range(rounds + 1):
        for name, one in networks.items():
            started = time.perf_counter()
            upscale(one, lr)
            if number:
                times[name].append(1e3 * (time.perf_counter() - started))
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    words = options(__doc__, "networks", "rounds", "int8")
    names = words.get("networks", ",".join(NETWORKS)).split(",")
    if wrong := next((name for name in names if name not in FILES), None):
        sys.exit(f"networks={wrong}: no such network in conf/network")
    quantised = {Path(file): opened(file) for file in filter(None, words.get("int8", "").split(","))}
    warnings.simplefilter("ignore")
    say()
    lr = photo(HEIGHT).repeat(1, 1, 1, 2)[..., :WIDTH]
    own = {name: {file.name: one for file, one in quantised.items() if file.stem.startswith(name)} for name in names}
    rows = [["network", EAGER, *BACKENDS, "int8", "best / PyTorch", "int8 / PyTorch"]]
    for name in names:
        whole = network(name, SCALE)
        turns = {**exported(whole), EAGER: whole.to(memory_format=torch.channels_last)}
        turns |= own[name]
        found = measure(turns, lr, int(words.get("rounds", ROUNDS)))
        record("backends", network=name, **found)
        best, small = (min((found[one] for one in group if one in found), default=None) for group in (BACKENDS, own[name]))
        cells = [*(found.get(column) for column in (EAGER, *BACKENDS)), small]
        ratios = [None if one is None else one / found[EAGER] for one in (best, small)]
        rows.append([name, *(f"{one:.0f}" if one else "" for one in cells), *(f"{one:.2f}" if one else "" for one in ratios)])
    print(f"\nload {os.getloadavg()[0]:.1f}\n\n{markdown(rows)}")


if __name__ == "__main__":
    main()
