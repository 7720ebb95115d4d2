"""What predict.py makes of files: megapixels of results per second, with reading and writing."""

import shutil
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import PIL.Image
import torch

from networks import network
from sr.image.file import to_pixels
from sr.image.photograph import photograph
from sr.predict.files import predict_files

NETWORKS = ("compact", "edsr_baseline", "swinir_light", "rrdb", "hat")
MOST = 64  # files


def measure(name: str, precision: str, folder: Path, side: int, seconds: float) -> dict[str, Any]:
    """Files of side x side pixels through a network with random weights at x4, after one that does not count."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    chosen, inside = network(name).to(device), folder / f"{name}_{precision}"
    inside.mkdir()
    photo = to_pixels(photograph(512))
    photo = photo[:side, :side] if side <= 512 else photo.repeat(-(-side // 512), 0).repeat(-(-side // 512), 1)[:side, :side]
    PIL.Image.fromarray(photo).save(inside / "photo.png")
    first = _seconds(chosen, inside, 1, precision)
    once = _seconds(chosen, inside, 1, precision)
    count = max(1, min(MOST, round(seconds / once)))
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    took = _seconds(chosen, inside, count, precision)
    memory = torch.cuda.max_memory_allocated() / 1e6 if device == "cuda" else None
    shutil.rmtree(inside)
    megapixels = count * (4 * side) ** 2 / 1e6
    values = {"LR": f"{side}x{side}", "files": count, "MP/s": megapixels / took, "first file, s": first}
    return {**values, "peak memory, MB": memory}


def _seconds(chosen: torch.nn.Module, folder: Path, count: int, precision: str) -> float:
    files = [(folder / "photo.png", folder / f"out{number}.png") for number in range(count)]
    said = StringIO()
    start = time.perf_counter()
    with redirect_stdout(said), redirect_stderr(said):
        result = predict_files(chosen, files, precision=precision, overwrite=True)
    took = time.perf_counter() - start
    if result.failed:
        print(said.getvalue(), file=sys.stderr)
        raise RuntimeError(said.getvalue().strip().splitlines()[-1])
    return took
