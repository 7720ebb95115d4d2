"""Blind degradations beside their authors' code on the same photographs: Kolmogorov-Smirnov distances.

    python bench/blind.py basicsr=BasicSR kair=KAIR photos=data/benchmark/Urban100/HR count=300 > bench/blind.md

How to get the checkouts is told in bench/theirs.py. `count` photographs are degraded by each (theirs takes a second for each);
what is only drawn is drawn 20 times as often. store=FILE writes the quantiles of theirs, which the tests compare ours with
(tests/degradation/theirs.json). Two samples of one distribution lie nearer than the last column's in 95 of 100 cases.
"""

import json
import random
import sys
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy import stats
from theirs import KAIR, BasicSR

from common import options, say
from sr.degradation import noise as noises
from sr.degradation.bsrgan import BSRGAN, BSRGANPlus
from sr.degradation.filter import Linear
from sr.degradation.jpeg import Compressed
from sr.degradation.realesrgan import RealESRGAN
from sr.degradation.sequence import Sequence
from sr.degradation.stage import on_host
from sr.functional import band
from sr.functional.draws import Draws

SIDE, PATCH, SEED = 400, 64, 0
Found = dict[str, list[float]]


def width_of(kernel: np.ndarray) -> float:
    """Root of the second moment along an axis, in pixels; of sinc filters, whose moment may be negative, its signed root."""
    axis = np.arange(len(kernel)) - (len(kernel) - 1) / 2
    moment = float((kernel * (axis[:, None] ** 2 + axis**2)).sum() / kernel.sum() / 2)
    return float(np.sign(moment) * np.sqrt(abs(moment)))


def spectrum_of(lr: np.ndarray) -> Found:
    """Statistics of an LR patch (H, W, 3): mean, deviation, and log10 of the energy in four rings of frequencies."""
    gray = lr.mean(2) - lr.mean()
    energy = np.abs(np.fft.fft2(gray * np.outer(np.hanning(len(gray)), np.hanning(len(gray))))) ** 2
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(len(gray)), np.fft.fftfreq(len(gray))))
    rings = [(0.02, 0.1), (0.1, 0.2), (0.2, 0.35), (0.35, 0.5)]
    found = {f"LR: energy at {a} .. {b}": [np.log10(energy[(radius >= a) & (radius < b)].mean() + 1e-9)] for a, b in rings}
    colour = (lr - lr.mean(2, keepdims=True)).std()
    return {"LR: mean": [lr.mean()], "LR: deviation": [lr.std()], "LR: colour": [colour], **found}


def add(found: Found, more: Found) -> None:
    for name, values in more.items():
        found[name] += values


def drawn_by_us(pipeline: Sequence, count: int, names: dict[str, str] | None = None) -> Found:
    """Kernels, resize factors and qualities of so many samples."""
    found: Found = defaultdict(list)
    drawn = pipeline.sample(Draws(SEED, 0, count, "blind"))
    for sample in on_host(drawn):
        step = 1.0
        for operation in pipeline.plan(sample, 1.0):
            if isinstance(operation, Linear) and operation.kernel is not None:
                found["kernel width"].append(width_of(operation.kernel))
                found["kernel peak"].append(float(operation.kernel.max()))
            if operation.step != step and not _unwatched(operation):
                found["resize factor"].append(step / operation.step)
            if isinstance(operation, Compressed):
                found["JPEG quality"].append(operation.parameters["quality"])
            step = operation.step
    return found


def _unwatched(operation: Linear) -> bool:
    """Whether theirs changes the size otherwise than by OpenCV, whose calls are counted: decimation, MATLAB's imresize."""
    return operation.axis.func is band.points or operation.axis.args[0] == "matlab"


def made_by_us(pipeline: Sequence, photos: list[np.ndarray]) -> Found:
    """LR statistics, and the root mean square of what noise changes."""
    found: Found = defaultdict(list)
    plain = noises._Added.apply

    def watched(self: Any, image: torch.Tensor, *rest: Any) -> torch.Tensor:
        made = plain(self, image, *rest)
        found["noise"].append(float((made - image).square().mean().sqrt()) * 255)
        return made

    noises._Added.apply = watched
    for i, photo in enumerate(photos):
        hr = torch.from_numpy(photo.transpose(2, 0, 1).copy())[None]
        lr = pipeline(hr, pipeline.sample(Draws(SEED, i, 1, "blind")), PATCH)[0].clamp(0, 1)
        add(found, spectrum_of((lr * 255).round().div(255).permute(1, 2, 0).numpy()))
    noises._Added.apply = plain
    return found


def drawn_by_basicsr(theirs: BasicSR, photos: list[np.ndarray], count: int) -> Found:
    """Kernels of its data set. A second kernel is used four times in five; a sinc filter of nothing is not counted."""
    found: Found = defaultdict(list)
    for i in range(count):
        item = theirs.items([photos[i % len(photos)]])
        kernels = [item["kernel1"], *([item["kernel2"]] if np.random.uniform() < 0.8 else []), item["sinc_kernel"]]
        for kernel in kernels:
            k = kernel[0].double().numpy()
            if (k != 0).sum() > 1:
                found["kernel width"].append(width_of(k))
                found["kernel peak"].append(float(k.max()))
    return found


def made_by_basicsr(theirs: BasicSR, photos: list[np.ndarray]) -> Found:
    """LR statistics, resize factors, qualities and noise, noted while its model works, one image a batch."""
    found: Found = defaultdict(list)
    module = sys.modules["basicsr.models.realesrgan_model"]
    functional, plain = torch.nn.functional, {}

    class Noted:
        def interpolate(self, image: torch.Tensor, **words: Any) -> torch.Tensor:
            made = functional.interpolate(image, **words)
            factor = words.get("scale_factor") or made.shape[-1] / image.shape[-1]
            if factor != 1:
                found["resize factor"].append(factor)
            return made

    def noted(function: Any, image: torch.Tensor, **words: Any) -> torch.Tensor:
        made = function(image, **words)
        found["noise"].append(float((made - image).square().mean().sqrt()) * 255)
        return made

    module.F = Noted()
    for name in ("random_add_gaussian_noise_pt", "random_add_poisson_noise_pt"):
        plain[name] = getattr(module, name)
        setattr(module, name, partial(noted, plain[name]))
    jpeger = theirs.model.jpeger
    theirs.model.jpeger = lambda image, quality: (found["JPEG quality"].extend(quality.tolist()), jpeger(image, quality))[1]
    for photo in photos:
        add(found, spectrum_of(theirs.degrade(theirs.items([photo]))[0].permute(1, 2, 0).numpy()))
    return found


def made_by_kair(theirs: KAIR, photos: list[np.ndarray], kind: str, **options: Any) -> Found:
    """LR statistics, kernels, resize factors, qualities, noted while its function works."""
    found: Found = defaultdict(list)
    blind, cv2 = theirs.blind, theirs.blind.cv2
    plain = {name: getattr(blind, name) for name in ("anisotropic_Gaussian", "fspecial")}

    def kernel(function: Any, *words: Any, **more: Any) -> np.ndarray:
        k = function(*words, **more)
        if len(words) < 2 or words[1] != 25 or function is plain["anisotropic_Gaussian"]:
            found["kernel width"].append(width_of(k))
            found["kernel peak"].append(float(k.max()))
        return k

    class Noted:
        def __getattr__(self, name: str) -> Any:
            return getattr(cv2, name)

        def resize(self, image: np.ndarray, size: tuple[int, int], interpolation: int) -> np.ndarray:
            if size[0] != image.shape[1]:
                found["resize factor"].append(size[0] / image.shape[1])
            return cv2.resize(image, size, interpolation=interpolation)

        def imencode(self, kind: str, image: np.ndarray, words: list[int]) -> Any:
            found["JPEG quality"].append(words[1])
            return cv2.imencode(kind, image, words)

    blind.cv2 = Noted()
    for name, function in plain.items():
        setattr(blind, name, partial(kernel, function))
    for photo in photos:
        add(found, spectrum_of(theirs.degrade(photo, kind, PATCH, **options)))
    blind.cv2 = cv2
    for name, function in plain.items():
        setattr(blind, name, function)
    return found


def table(title: str, ours: Found, theirs: Found) -> dict[str, Any]:
    """Print the rows; give the quantiles of theirs."""
    kept = {}
    for name in theirs:
        a, b = np.array(ours[name]), np.array(theirs[name])
        distance, limit = stats.ks_2samp(a, b).statistic, 1.36 * np.sqrt(1 / len(a) + 1 / len(b))
        median = f"{np.median(a):.3g} | {np.median(b):.3g} | {len(a)} | {len(b)}"
        print(f"| {title} | {name} | {median} | {distance:.3f} | {limit:.3f} |", flush=True)
        kept[name] = {"count": len(b), "quantiles": np.quantile(b, np.linspace(0, 1, 41)).round(6).tolist()}
    return kept


def main() -> None:
    found = options(__doc__, "basicsr", "kair", "photos", "count", "seed", "store")
    torch.set_num_threads(1)
    say()
    global SEED
    SEED = int(found.get("seed", 0))
    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)
    count = int(found.get("count", 300))
    files = sorted(Path(found.get("photos", "data/benchmark/Urban100/HR")).glob("*.png"))
    photos = []
    for i in range(count):
        image = np.asarray(Image.open(files[i % len(files)]).convert("RGB"), np.float32) / 255
        top, left = (random.randint(0, max(0, n - SIDE)) for n in image.shape[:2])
        photos.append(np.ascontiguousarray(image[top : top + SIDE, left : left + SIDE]))
    photos = [photo for photo in photos if photo.shape[:2] == (SIDE, SIDE)]
    print(f"\n{len(photos)} crops of {SIDE} x {SIDE}\n")
    print("| pipeline | what | median, ours | theirs | samples, ours | theirs | distance | 95 % |\n" + "|---" * 8 + "|")
    kept = {}
    if "basicsr" in found:
        theirs = BasicSR(found["basicsr"])
        ours = drawn_by_us(RealESRGAN(4), 20 * count) | made_by_us(RealESRGAN(4), photos)
        kept["realesrgan"] = table(
            "realesrgan", ours, drawn_by_basicsr(theirs, photos, 20 * count) | made_by_basicsr(theirs, photos)
        )
    if "kair" in found:
        theirs = KAIR(found["kair"])
        for name, pipeline, kind, words in (
            ("bsrgan", BSRGAN(4), "bsrgan", {}),
            ("swinir_real", BSRGANPlus(4), "bsrgan_plus", {"shuffle_prob": 0.1, "use_sharp": True}),
        ):
            ours = drawn_by_us(pipeline, 20 * count) | made_by_us(pipeline, photos)
            ours.pop("noise", None)
            kept[name] = table(name, ours, made_by_kair(theirs, photos, kind, **words))
    if "store" in found:
        Path(found["store"]).write_text(json.dumps(kept))


if __name__ == "__main__":
    main()
