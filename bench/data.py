"""How fast training data comes, beside a plain reader that decodes two PNG files for each sample, as BasicSR does.

    OMP_NUM_THREADS=1 python bench/data.py                   # a minute; photos: SR_DATA/BSDS500/train, else scikit-image's
    OMP_NUM_THREADS=1 python bench/data.py --seconds 10      # longer, for a noisy machine
    OMP_NUM_THREADS=1 python bench/data.py --kinds           # only other kinds of images, beside photos: bench/kinds.py

Patches are 96x96 HR with their 48x48 LR (x2, bicubic), with flips and quarter turns. No GPU is needed; with one, the device
part is measured on it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import BytesIO, StringIO
from itertools import count
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

import kinds
from common import say
from sr.augmentation.chain import Chain as Augmentations
from sr.augmentation.flip import Flip
from sr.augmentation.turn import Turn
from sr.data.device import finish
from sr.data.mixture import Mixture
from sr.data.patches import Patches
from sr.data.plan import Phase, Plan
from sr.data.source.folder import images as images_of
from sr.data.source.sample import Sample
from sr.data.store import Store
from sr.data.stream import unchanged
from sr.degradation.bicubic import Bicubic
from sr.degradation.chain import Chain as Degradations
from sr.functional.resize import imresize
from sr.image import file as image
from sr.view.table import markdown

SCALE, PATCH, BATCH = 2, 48, 16

FIRST_BATCH = """
import sys, time
start = time.perf_counter()
from hydra import compose, initialize_config_dir
from sr import build
with initialize_config_dir(sys.argv[1], version_base="1.3"):
    cfg = compose("train", [f"data=folder", f"data.train={sys.argv[2]}", f"data.cache_dir={sys.argv[3]}", "logger=none"])
imported = time.perf_counter()
import pytorch_lightning, sr.data.module
ready = time.perf_counter()
data = build.data(cfg)
data.prepare_data()
data.setup("fit")
from types import SimpleNamespace
from torch import device
root = SimpleNamespace(root_device=device("cpu"))
data.trainer = SimpleNamespace(global_step=0, world_size=1, global_rank=0, strategy=root, training=True)
data.on_after_batch_transfer(next(iter(data.train_dataloader())), 0)
print(time.perf_counter() - ready, time.perf_counter() - start)
"""


class PlainReader(Dataset):
    """What BasicSR's PairedImageDataset does for a sample: two files read and decoded, one crop of both, flips, floats."""

    def __init__(self, folder: Path, samples: int) -> None:
        self.hr, self.lr = sorted((folder / "hr").iterdir()), sorted((folder / "lr").iterdir())
        self.samples = samples

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        random = np.random.default_rng(index)
        number = int(random.integers(len(self.hr)))
        hr, lr = decoded(self.hr[number]), decoded(self.lr[number])
        y, x = int(random.integers(lr.shape[0] - PATCH + 1)), int(random.integers(lr.shape[1] - PATCH + 1))
        lr = lr[y : y + PATCH, x : x + PATCH]
        hr = hr[SCALE * y : SCALE * (y + PATCH), SCALE * x : SCALE * (x + PATCH)]
        flip, up_down, turn = random.random(3) < 0.5
        made = {}
        for name, pixels in (("lr", lr), ("hr", hr)):
            pixels = pixels[:, ::-1] if flip else pixels
            pixels = pixels[::-1] if up_down else pixels
            pixels = pixels.transpose(1, 0, 2) if turn else pixels
            made[name] = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
        return made


def decoded(file: Path) -> np.ndarray:
    """(H, W, 3) float32 in [0, 1]."""
    return np.asarray(Image.open(BytesIO(file.read_bytes()))).astype(np.float32) / 255


def patches(store: Store | list[np.ndarray], patch: int = PATCH) -> Patches:
    chain = Degradations({"bicubic": Bicubic(SCALE)}, SCALE)
    augmentation = Augmentations({"flip": Flip(), "turn": Turn()})
    return Patches(Mixture([store]), None, Plan(0, (Phase(0, patch, BATCH),)), SCALE, chain, augmentation)


def rate(step: Callable[[], int], seconds: float) -> float:
    """Patches per second: the best of five parts of `seconds`, for what else the machine does only slows it down."""
    step()
    best = 0.0
    for _ in range(5):
        made, start = 0, time.perf_counter()
        while (passed := time.perf_counter() - start) < seconds / 5:
            made += step()
        best = max(best, made / passed)
    return best


def in_process(store: Store | list[np.ndarray], seconds: float) -> float:
    dataset, numbers = patches(store), count()
    return rate(lambda: len(dataset.batch(next(numbers))["hr"]), seconds)


def from_loader(batches: Iterator[dict], seconds: float) -> float:
    for _ in range(50):  # what was prefetched does not count
        next(batches)
    return rate(lambda: len(next(batches)["hr"]), seconds)


def on_device(dataset: Patches, device: torch.device, batches: int = 50) -> float:
    """Milliseconds of a batch."""
    batch = move(dataset.batch(0), device)
    for _ in range(5):
        finish(batch, dataset.degradation, dataset.augmentation)
    synchronise(device)
    start = time.perf_counter()
    for _ in range(batches):
        finish(batch, dataset.degradation, dataset.augmentation)
    synchronise(device)
    return (time.perf_counter() - start) / batches * 1e3


def move(batch: dict, device: torch.device) -> dict:
    kinds = {dict: lambda part: move(part, device), torch.Tensor: lambda part: part.to(device)}
    return {key: kinds.get(type(value), lambda part: part)(value) for key, value in batch.items()}


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def write_pairs(files: list[Path], folder: Path) -> None:
    """HR and LR PNG files, for the plain reader."""
    for name in ("hr", "lr"):
        (folder / name).mkdir()
    for number, file in enumerate(files):
        pixels = image.read_rgb8(file)
        pixels = pixels[: pixels.shape[0] // SCALE * SCALE, : pixels.shape[1] // SCALE * SCALE]
        lr = imresize(image.to_tensor(pixels), 1 / SCALE, rounding=True)
        Image.fromarray(pixels).save(folder / "hr" / f"{number:04}.png")
        Image.fromarray(image.to_pixels(lr)).save(folder / "lr" / f"{number:04}.png")


def many(photos: list[np.ndarray], count: int, side: int, folder: Path) -> Store:
    """A store of `count` images of side x side pixels, tiled from photographs."""
    folder.mkdir()
    files = []
    for number in range(count):
        photo = photos[number % len(photos)]
        repeats = [-(-side // n) for n in photo.shape[:2]]
        files.append(folder / f"{number:04}.bmp")
        Image.fromarray(np.roll(np.tile(photo, (*repeats, 1))[:side, :side], number, 0)).save(files[-1])
    store = Store(files, folder / "store")
    with redirect_stdout(StringIO()):  # what it says about the size belongs in no table
        store.build(progress=False)
    return store


def first_batch(folder: Path, cache: Path) -> tuple[float, float]:
    """Seconds in a fresh process: from the config to the first batch, and with the imports of torch and Lightning."""
    conf = Path(__file__).resolve().parent.parent / "conf"
    words = [sys.executable, "-c", FIRST_BATCH, str(conf), str(folder), str(cache)]
    runs = [subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()[-2:] for _ in range(3)]
    first, whole = min((float(a), float(b)) for a, b in runs[1:])  # the first of the three builds the store
    return first, whole


def photographs() -> list[Path]:
    folder = Path(os.environ.get("SR_DATA", "data")) / "BSDS500" / "train"
    return images_of(folder)[:200] if folder.is_dir() else [file for file, _ in Sample().files()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each measurement")
    parser.add_argument("--kinds", action="store_true", help="only other kinds of images beside photos")
    options = parser.parse_args()
    seconds = options.seconds
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    files = photographs()
    say()
    print(f"{len(files)} photos, HR {PATCH * SCALE}x{PATCH * SCALE}, LR {PATCH}x{PATCH}, batch {BATCH}\n")

    def row(what: str, value: str) -> None:
        print(f"| {what} | {value} |", flush=True)

    if options.kinds:
        return of_kinds(files, seconds)
    row("what", "measured")
    row("---", "---")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_pairs(files, folder)
        store = Store(images_of(folder / "hr"), folder / "store")
        store.build(progress=False)
        plain = PlainReader(folder, 10**9)
        numbers = count()

        def read() -> int:
            plain[next(numbers)]
            return 1

        slow, fast = rate(read, seconds), in_process(store, seconds)
        row("plain reader, in process", f"{slow:.0f} patches/s")
        row("store, in process", f"{fast:.0f} patches/s, {fast / slow:.0f} times as many")
        loader = iter(DataLoader(plain, BATCH, num_workers=2))
        row("plain reader, DataLoader, 2 workers", f"{from_loader(loader, seconds):.0f} patches/s")
        del loader
        loader = iter(DataLoader(patches(store), batch_size=None, collate_fn=unchanged, num_workers=2, prefetch_factor=4))
        row("store, DataLoader, 2 workers", f"{from_loader(loader, seconds):.0f} patches/s")
        del loader
        row(f"device part ({device}): float, bicubic LR, flips, turns", f"{on_device(patches(store), device):.1f} ms a batch")
        first, whole = first_batch(folder / "hr", folder / "cache")
        row("first batch, the store exists", f"{first:.2f} s; {whole:.2f} s with the imports of torch and Lightning")
        photos = [store[index] for index in range(len(store))]
        for amount in (10, 100, 1000):
            images = many(photos, amount, 480, folder / f"n{amount}")
            made, in_memory = in_process(images, seconds), in_process([np.array(image) for image in images], seconds)
            row(f"{amount} images of 480x480, in process", f"{1e6 / made:.1f} us a patch; from arrays {1e6 / in_memory:.1f} us")
        for side in (240, 480, 960, 1920):
            made = in_process(many(photos, 20, side, folder / f"s{side}"), seconds)
            row(f"20 images of {side}x{side}, in process", f"{1e6 / made:.1f} us a patch")
    print()
    of_kinds(files, seconds)


def of_kinds(files: list[Path], seconds: float) -> None:
    """The table of other kinds of images beside photographs."""
    photos = [image.read_rgb8(file) for file in files[: kinds.IMAGES]]
    with tempfile.TemporaryDirectory() as temporary:
        found = kinds.cases(photos, Path(os.environ.get("SR_DATA", "data")) / "domains", Path(temporary))
        print(markdown([kinds.HEAD, *kinds.rows(found, Path(temporary), SCALE, PATCH, BATCH, seconds)]))
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
