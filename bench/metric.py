"""What evaluation costs beside the forward pass that it cannot do without: EDSR-baseline on B100 x2 with PSNR and SSIM.

    OMP_NUM_THREADS=2 SR_DATA=../shared/data python bench/metric.py             # 3 minutes
    OMP_NUM_THREADS=2 python bench/metric.py quick=true                         # 10 images

Framework and bare forward pass take turns image by image; without B100 the images are scikit-image's photographs.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import Tensor

from common import Watch, compared, options, record, say
from networks import network
from sr import build
from sr.data.benchmarks import Benchmarks
from sr.data.source.sample import Sample
from sr.functional.resize import imresize
from sr.image.file import read_rgb8, to_tensor
from sr.metric.psnr import PSNR
from sr.metric.ssim import SSIM
from sr.model.base import SRModule


def pictures(count: int) -> list[dict]:
    """Of B100, else photographs: {"name", "lr", "hr"} as the benchmarks give them."""
    folder = Path(os.environ.get("SR_DATA", "data")) / "benchmark" / "B100"
    files = sorted((folder / "HR").glob("*.png"))[:count] or [file for file, _ in Sample().files()]
    made = []
    for file in files:
        pixels = read_rgb8(file)
        hr = to_tensor(pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2].copy())
        made.append({"name": [file.stem], "lr": imresize(hr, 1 / 2, rounding=True), "hr": hr})
    return made


def milliseconds(run: Callable[[], object], times: int = 5) -> float:
    run()
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return 1e3 * best


@torch.inference_mode()
def main() -> None:
    quick = options(__doc__, "quick").get("quick") == "true"
    say()
    images = pictures(10 if quick else 100)
    metrics = {"psnr": PSNR(crop_border=2), "ssim": SSIM(crop_border=2)}
    model = SRModule(network=network("edsr_baseline", 2), metric=metrics).eval()
    model.trainer = SimpleNamespace(datamodule=Benchmarks(benchmark={"b100": None}), testing=False)
    ours, bare = [], []
    for number, batch in enumerate([images[0], *images]):  # the first image twice: it does not count at first
        watch = Watch()
        model.validation_step(batch, 0)
        first = watch.look()
        model.network(batch["lr"].contiguous(memory_format=torch.channels_last))
        if number:
            ours.append(first)
            bare.append(watch.look())
    record("metric", what="EDSR-baseline, x2, PSNR and SSIM", images=len(images), **compared(ours, bare))
    sr: Tensor = imresize(images[0]["lr"], 2.0, rounding=True)
    for name, metric in metrics.items():
        seconds = milliseconds(lambda metric=metric: metric(sr, images[0]["hr"]))
        record("metric", what=name, size="x".join(map(str, sr.shape[-2:])), milliseconds=seconds)


if __name__ == "__main__":
    build.quiet()
    main()
