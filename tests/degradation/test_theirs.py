"""What blind pipelines draw and make is distributed as in their authors' own code, whose quantiles are in theirs.json.

python bench/blind.py basicsr=BasicSR kair=KAIR photos=data/benchmark/Urban100/HR count=160 store=tests/degradation/theirs.json
"""

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sr.degradation.bsrgan import BSRGAN, BSRGANPlus
from sr.degradation.filter import Linear
from sr.degradation.jpeg import Compressed
from sr.degradation.realesrgan import RealESRGAN
from sr.degradation.sequence import Sequence
from sr.degradation.stage import on_host
from sr.functional import band
from sr.functional.draws import Draws

THEIRS = json.loads(Path(__file__).with_name("theirs.json").read_text())
PIPELINES = {"realesrgan": RealESRGAN(4), "bsrgan": BSRGAN(4), "swinir_real": BSRGANPlus(4)}
NEARLY = 1.95  # two samples of one distribution lie nearer, in units of sqrt(1/n + 1/m), in 999 of 1000 cases


def check(ours: list[float], theirs: dict) -> None:
    """The Kolmogorov-Smirnov distance at theirs' quantiles."""
    values, quantiles = np.sort(ours), np.array(theirs["quantiles"])
    share = np.linspace(0, 1, len(quantiles))
    below, most = (np.searchsorted(values, quantiles, side) / len(values) for side in ("left", "right"))
    first, last = (np.searchsorted(quantiles, quantiles, side) for side in ("left", "right"))  # whole numbers have ties
    distance = max((below - share[last - 1]).max(), (share[first] - most).max())
    assert distance < NEARLY * np.sqrt(1 / len(values) + 1 / theirs["count"]) + 1e-3


def drawn(pipeline: Sequence, count: int) -> dict[str, list[float]]:
    found = defaultdict(list)
    for sample in on_host(pipeline.sample(Draws(5, 0, count, "theirs"))):
        step = 1.0
        for operation in pipeline.plan(sample, 1.0):
            if isinstance(operation, Linear) and operation.kernel is not None:
                axis = np.arange(len(operation.kernel)) - len(operation.kernel) // 2
                moment = (operation.kernel * (axis[:, None] ** 2 + axis**2)).sum() / operation.kernel.sum() / 2
                found["kernel width"].append(np.sign(moment) * np.sqrt(abs(moment)))
                found["kernel peak"].append(operation.kernel.max())
            # Theirs counts calls of OpenCV and torch: neither decimation nor MATLAB's imresize.
            counted = operation.step != step and operation.axis.func is not band.points and operation.axis.args[0] != "matlab"
            if counted:
                found["resize factor"].append(step / operation.step)
            if isinstance(operation, Compressed):
                found["JPEG quality"].append(operation.parameters["quality"])
            step = operation.step
    return found


@pytest.mark.medium
@pytest.mark.parametrize("name", PIPELINES)
def test_parameters_are_distributed_as_theirs(name):
    found = drawn(PIPELINES[name], 800)
    for what in ("kernel width", "kernel peak", "resize factor", "JPEG quality"):
        check(found[what], THEIRS[name][what])


def test_the_comparison_sees_other_ranges():
    """A pipeline of other numbers fails: sigma up to 2 instead of 3, quality from 45 instead of 30."""
    found = drawn(RealESRGAN(4, sigma=(0.2, 2.0), sigma2=(0.2, 1.0), jpeg=(45, 95), jpeg2=(45, 95)), 800)
    for what in ("kernel width", "JPEG quality"):
        with pytest.raises(AssertionError):
            check(found[what], THEIRS["realesrgan"][what])


@pytest.mark.slow
@pytest.mark.parametrize("name", PIPELINES)
def test_lr_is_distributed_as_theirs(name, sr_data):
    """Mean, deviation and energy in four rings of frequencies of LR patches of the same photographs."""
    files = sorted((sr_data / "benchmark" / "Urban100" / "HR").glob("*.png"))
    photos = [np.asarray(Image.open(file).convert("RGB")) for file in files]
    found, rng, window = defaultdict(list), np.random.default_rng(0), np.hanning(64)
    frequencies = np.fft.fftfreq(64)
    radius = np.hypot(frequencies[:, None], frequencies)
    for i in range(80):
        photo = photos[i % len(photos)]
        top, left = (int(rng.integers(0, n - 400)) for n in photo.shape[:2])
        hr = torch.from_numpy(photo[top : top + 400, left : left + 400].copy()).permute(2, 0, 1)[None] / 255
        lr = PIPELINES[name](hr, PIPELINES[name].sample(Draws(6, i, 1, "theirs")), 64)[0].clamp(0, 1).permute(1, 2, 0).numpy()
        found["LR: mean"].append(lr.mean())
        found["LR: deviation"].append(lr.std())
        gray = (lr.mean(2) - lr.mean()) * np.outer(window, window)
        energy = np.abs(np.fft.fft2(gray)) ** 2
        for low, high in ((0.02, 0.1), (0.1, 0.2), (0.2, 0.35), (0.35, 0.5)):
            ring = (radius >= low) & (radius < high)
            found[f"LR: energy at {low} .. {high}"].append(np.log10(energy[ring].mean() + 1e-9))
    for what, values in found.items():
        check(values, THEIRS[name][what])
