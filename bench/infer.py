"""Inference: tiled against whole, a released network against its own code, memory against size.

    python bench/infer.py tiles       # 1020x678 input: tiled time over whole time; 2 minutes
    python bench/infer.py anime       # realesr-animevideov3 on 1020x644, float32 and bf16, and its seams; 2 minutes
    python bench/infer.py memory      # peak memory of the process from 2k to 8k output; 2 minutes
    python bench/infer.py realtime    # frames per second from 640x360 to 1280x720, PyTorch and exported files; 3 minutes

Seconds per megapixel of every network: bench/choosing.py.
`anime` reads weights/realesr-animevideov3.pth in SR_DATA (or ../shared/data). Times are the best of the runs made.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import skimage
import torch
from backends import EAGER, exported
from torch import Tensor, nn

import sr
from common import say
from networks import network
from sr.device.count import multiply_adds
from sr.image.file import to_pixels, to_tensor
from sr.infer.upscaler import Upscaler
from sr.predict.files import CPU_TILE
from sr.view.table import markdown

DATA = Path(os.environ.get("SR_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
REALTIME = (
    "interpolation_nearest",
    "ecbsr_m4c8",
    "ecbsr_m4c16",
    "repsr_m4c16",
    "bicubic_pp",
    "abpn",
    "fsrcnn",
    "compact_light",
)
LONG = 10  # seconds after which nothing is measured again; in the table, not in bf16 either
PEAK = """
import resource, sys
from pathlib import Path
sys.path.insert(0, "bench")
from infer import build
from sr.predict.files import predict_files
predict_files(build(sys.argv[1]), [(Path(sys.argv[2]), Path(sys.argv[3]))])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def build(name: str) -> nn.Module:
    """A network of conf/network with random weights, in the layout that predict.py gives it."""
    return network(name).to(memory_format=torch.channels_last)


def photo(height: int, width: int) -> np.ndarray:
    """(H, W, 3) uint8: a photo repeated."""
    cat = np.array(PIL.Image.open(Path(skimage.__file__).parent / "data" / "chelsea.png"))
    return np.tile(cat, (-(-height // len(cat)), -(-width // cat.shape[1]), 1))[:height, :width]


def best(run: Callable[[], Tensor], times: int) -> tuple[float, Tensor]:
    """(seconds of the fastest run, result); one run is enough for what takes long."""
    seconds: list[float] = []
    while len(seconds) < times and sum(seconds) < LONG:
        start = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - start)
    return min(seconds), result


def tiles() -> None:
    lr = to_tensor(photo(678, 1020))
    rows = [["network", "whole, s", "tiles of", "tiled, s", "tiled / whole"]]
    for name in ("fsrcnn", "compact_light", "compact", "imdn"):
        chosen = build(name)
        whole, _ = best(lambda chosen=chosen: Upscaler(chosen)(lr), 2)
        for side in (CPU_TILE, 384):
            tiled, _ = best(lambda chosen=chosen, side=side: Upscaler(chosen, tile=side)(lr), 2)
            rows.append([name, f"{whole:.2f}", str(side), f"{tiled:.2f}", f"{tiled / whole:.2f}"])
    print(markdown(rows))


def anime() -> None:
    network = sr.load(DATA / "weights" / "realesr-animevideov3.pth").eval().to(memory_format=torch.channels_last)
    lr = to_tensor(photo(644, 1020))
    whole = to_pixels(Upscaler(network)(lr)).astype(int)
    rows = [["precision", "overlap", "tiled, s", "largest difference to the whole in float32, levels", "values that differ"]]
    for precision, overlap in (("32", 16), ("32", 48), ("bf16", 16)):
        upscaler = Upscaler(network, tile=CPU_TILE, overlap=overlap, precision=precision)
        seconds, result = best(lambda upscaler=upscaler: upscaler(lr), 2)
        difference = np.abs(to_pixels(result) - whole)
        rows.append([precision, str(overlap), f"{seconds:.2f}", str(difference.max()), f"{(difference > 0).mean():.4%}"])
    print(markdown(rows))


def memory() -> None:
    rows = [["network", "output", "format", "peak of the process, MB"]]
    with tempfile.TemporaryDirectory() as folder:
        for name in ("fsrcnn", "compact_light"):
            for side in (512, 1024, 2048):
                source = Path(folder) / f"{side}.png"
                PIL.Image.fromarray(photo(side, side)).save(source)
                for extension in ("png", "tif"):
                    words = [sys.executable, "-c", PEAK, name, source, Path(folder) / f"out.{extension}"]
                    root = Path(__file__).resolve().parent.parent
                    done = subprocess.run(words, cwd=root, capture_output=True, text=True, check=True)
                    (Path(folder) / f"out.{extension}").unlink()
                    rows.append([name, f"{4 * side}x{4 * side}", extension, f"{float(done.stdout.split()[-1]):.0f}"])
                    print(" ".join(rows[-1]), file=sys.stderr, flush=True)
    print(markdown(rows))


def realtime() -> None:
    """At x2. What does not compute convolutions (colours, the bytes of the frame) bounds the fastest: see nearest."""
    frame = photo(360, 640)
    rows = [
        ["network", "multiply-adds, G", "runs in", "network, ms", "with bytes in and out, ms", "frames/s", "G multiply-adds/s"]
    ]
    for name in REALTIME:
        chosen = network(name, 2)
        work = (multiply_adds(chosen) or 0) / 1e9
        runs = exported(chosen) if list(chosen.parameters()) else {}
        for label, run in {EAGER: chosen.to(memory_format=torch.channels_last), **runs}.items():
            upscaler, lr = Upscaler(run), to_tensor(frame)
            alone, _ = best(lambda upscaler=upscaler, lr=lr: upscaler(lr), 20)
            whole, _ = best(lambda upscaler=upscaler: to_pixels(upscaler(to_tensor(frame))), 20)
            times = [f"{1000 * alone:.1f}", f"{1000 * whole:.1f}", f"{1 / whole:.1f}", f"{work / alone:.0f}"]
            rows.append([name, f"{work:.2f}", label, *times])
            print(" ".join(rows[-1]), file=sys.stderr, flush=True)
    print(markdown(rows))


def main() -> None:
    warnings.simplefilter("ignore")
    parts = {"tiles": tiles, "anime": anime, "memory": memory, "realtime": realtime}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=parts)
    chosen = parser.parse_args().parts
    say()
    for name in chosen:
        parts[name]()
        print(f"\nload {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main()
