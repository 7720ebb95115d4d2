"""Memory of a training-data process whose store is larger than 4 GB: it stays flat.

    OMP_NUM_THREADS=1 python bench/store.py                  # 4.4 GB on disk for some minutes, in --folder

Pictures are generated (600 BMP files of 2.4 megapixels, nearly DIV2K's size), decoded into a store and read at random,
until every image was read many times. What counts is the resident memory that the system reports for the process.
"""

import argparse
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from common import say
from data import in_process, patches
from sr.data.store import Store

IMAGES, HEIGHT, WIDTH = 600, 1200, 2040
SOURCES = 20  # files that are written; the others are links to them, which the store cannot know


def resident() -> float:
    """GB of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e9


def photos(folder: Path) -> list[Path]:
    """Noise, which no file system can compress, in few files that many names lead to."""
    random = np.random.default_rng(0)
    files = []
    for number in range(IMAGES):
        files.append(folder / f"{number:04}.bmp")
        if number < SOURCES:
            Image.fromarray(random.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)).save(files[-1])
        else:
            os.link(files[number % SOURCES], files[-1])
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default=None, help="where the temporary files go; default: the system's folder")
    parser.add_argument("--batches", type=int, default=3000)
    arguments = parser.parse_args()
    need = 3 * (IMAGES + SOURCES) * HEIGHT * WIDTH
    with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
        free = shutil.disk_usage(temporary).free
        if free < 1.2 * need:
            raise SystemExit(f"{temporary}: {need / 1e9:.0f} GB are needed, {free / 1e9:.0f} GB are free; pass --folder")
        say()
        store = Store(photos(Path(temporary)), Path(temporary) / "store")
        start = time.perf_counter()
        store.build(progress=False)
        size = sum(file.stat().st_size for file in store.cached) / 1e9
        print(f"store of {size:.1f} GB decoded in {time.perf_counter() - start:.0f} s; resident {resident():.2f} GB")
        dataset, most = patches(store), 0.0
        for batch in range(arguments.batches):
            dataset.batch(batch)
            most = max(most, resident())
        print(f"after {arguments.batches} batches of 16 patches: resident {resident():.2f} GB, at most {most:.2f} GB")
        print(f"peak of the process, building included: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
        print(f"{in_process(store, 3):.0f} patches/s in process")


if __name__ == "__main__":
    main()
