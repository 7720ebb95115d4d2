"""Which network should I choose: published quality beside measured time and memory.

    OMP_NUM_THREADS=2 python bench/choosing.py > bench/choosing.md      # all networks, some minutes on a quiet machine
    python bench/choosing.py imdn swinir_light                          # these alone

Each network enlarges the same 320x180 pixels to 1280x720 (x4), in float32 and in bfloat16 autocast, in a process of its own.
One that would take longer than LIMIT for it is measured on a quarter of the image (its rows have a ~).
"""

import argparse
import ctypes
import json
import multiprocessing
import os
import platform
import sys
import time
import warnings

import torch
from omegaconf import OmegaConf

from capabilities import SCALE, photo
from networks import NAMES, known, network
from networks import measure as count
from sr.cli import CONF
from sr.device.count import parameters
from sr.infer.upscaler import Upscaler
from sr.report.front import front
from sr.run.record import device
from sr.view.table import markdown

HEIGHT, WIDTH = 180, 320  # LR pixels
LIMIT = 20.0  # seconds of one pass
# PSNR (dB) on Set5 and Urban100 at x4 where conf/published has no entry, or one of another protocol, and where it is printed.
QUALITY = {
    "fsrcnn": (30.72, 24.62, "RCAN's tables, arXiv:1807.02758"),
    "omnisr": (32.49, 26.64, "result.tex of Francis0625/Omni-SR, trained on DIV2K"),
    "srcnn": (30.48, 24.52, "RCAN's tables, arXiv:1807.02758"),
    "vdsr": (31.35, 25.18, "RCAN's tables, arXiv:1807.02758"),
}


def quality(name: str) -> tuple[float | None, float | None, str]:
    """(Set5, Urban100, where it is printed)."""
    entry = f"{name.replace('interpolation_', '')}_x4"
    file = CONF / "published" / f"{entry}.yaml"
    if name in QUALITY or not file.is_file() or "protocol" in OmegaConf.load(file)[entry]:
        return QUALITY.get(name, (None, None, ""))
    expected = OmegaConf.load(file)[entry].expected
    set5, urban = (expected[key].psnr if key in expected else None for key in ("set5", "urban100"))
    return set5, urban, f"conf/published/{file.name}"


def measure(name: str) -> dict[str, object]:
    """Parameters; seconds and peak memory of each number type. Runs in a process of its own."""
    warnings.simplefilter("ignore")
    whole = network(name, SCALE)
    lr = photo(180).repeat(1, 1, 1, 2)[..., :HEIGHT, :WIDTH]
    seconds, *_ = run(whole, lr[..., : HEIGHT // 4, : WIDTH // 4], torch.float32)
    quarter = seconds * 16 > LIMIT
    lr = lr[..., : HEIGHT // 2, : WIDTH // 2] if quarter else lr
    found = {"parameters": parameters(whole), "quarter": quarter}
    for dtype in (torch.float32, torch.bfloat16):
        found[str(dtype)] = run(whole, lr, dtype)
    return found


def run(whole: torch.nn.Module, lr: torch.Tensor, dtype: torch.dtype) -> tuple[float, float, float]:
    """(seconds of the faster of two passes, of the slower, GB above what the process had before); long ones pass once."""
    ctypes.CDLL(None).malloc_trim(0)  # give back what earlier passes left, which would count as had before
    before = resident("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # forget the peak
    times, enlarged = [], Upscaler(whole, precision="32" if dtype == torch.float32 else "bf16")
    for _ in range(2):
        started = time.perf_counter()
        enlarged(lr)
        times.append(time.perf_counter() - started)
        if times[0] > LIMIT / 4:
            break
    return min(times), max(times), (resident("VmHWM") - before) / 1e9


def resident(size: str) -> int:
    """Bytes of memory that the process has (VmRSS) or had at most (VmHWM); Linux."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(size))


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory of networks beside their published quality.")
    parser.add_argument("names", nargs="*", type=known, default=NAMES, help="networks of conf/network; all of them")
    names = parser.parse_args().names
    results = {}
    for name in names:
        started = time.monotonic()
        # forked, not spawned: nothing was computed here, so no threads are lost, and torch is there already
        with multiprocessing.get_context("fork").Pool(1) as pool:
            results[name] = pool.apply(measure, (name,))
        print(f"{name}: {time.monotonic() - started:.0f} s {json.dumps(results[name])}", file=sys.stderr, flush=True)
    print(page(results))


def page(results: dict[str, dict[str, object]]) -> str:
    """bench/choosing.md."""
    megapixels = HEIGHT * WIDTH * SCALE**2 / 1e6
    rows, qualities, costs = [], {}, {}
    for name, found in results.items():
        set5, urban, source = quality(name)
        share = megapixels / 4 if found["quarter"] else megapixels
        sign = "~" if found["quarter"] else ""
        (slow, slowest, memory), (fast, _, half_memory) = found["torch.float32"], found["torch.bfloat16"]
        if urban is not None:
            qualities[name], costs[name] = urban, (slow / share, slowest / share)
        work = count(name, SCALE)[1]
        numbers = ["" if work is None else f"{work:.1f}"]
        numbers += [f"{sign}{slow / share:.2f}", f"{sign}{fast / share:.2f}", f"{sign}{memory:.2f}", f"{sign}{half_memory:.2f}"]
        rows.append((slow / share, [name, f"{found['parameters'] / 1e6:.3f}", set5, urban, *numbers, source]))
    rows.sort(key=lambda row: row[0])
    best, table = front(qualities, costs), []
    for _, row in rows:
        row[0] = f"**{row[0]}**" if row[0] in best else row[0]
        table.append(["" if cell is None else f"{cell:.2f}" if isinstance(cell, float) else cell for cell in row])
    spread = max(((high - low) / low for low, high in costs.values()), default=0)
    header = [
        "network",
        "parameters, M",
        "Set5",
        "Urban100",
        "multiply-adds, G",
        "s/MP",
        "s/MP bf16",
        "GB",
        "GB bf16",
        "quality from",
    ]
    return f"""# Which network should I choose

Written by `OMP_NUM_THREADS={os.environ.get("OMP_NUM_THREADS", "")} python bench/choosing.py > bench/choosing.md`: {device()},
{torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, torch {torch.__version__}.

Sorted by speed, fastest first. A **bold** network is better on Urban100 than every other with a published score that is not
clearly slower (the two passes of a network differ by up to {spread:.0%}; overlapping times are equal): choose the last bold
one whose time and memory you can afford. Quality is PSNR in dB at x4 as published, for weights trained at length on DIV2K,
or on DIV2K and Flickr2K, so networks within 0.1 dB are equally good. Time is seconds per megapixel of output, 1280x720 at
x4, without tiles; memory is what the process needs in addition to torch and the weights. Tiles (`predict.py tile=128`)
limit the memory of each network; ~ marks values measured on a quarter of the image. For half precision, tile overlap and
more see [capabilities](capabilities.md); for published parameters and multiply-adds (for the same 1280x720) see
[networks](networks.md).

- For video or a phone: `compact_light`, `fsrcnn`, `span`.
- For a CPU: `imdn`, `rlfn`, or `swinir_light` if you have time.
- For the best scores, on a GPU: `hat`, `drct`, `rgt`, `dat`; for `swinir` most weights are available.
- To train yourself: `compact` in minutes (`make quickstart`), `edsr_baseline` in a day on one GPU.

{markdown([header, *table])}"""


if __name__ == "__main__":
    sys.exit(main())
