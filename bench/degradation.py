"""Milliseconds of each degradation on a batch, beside the plainest PyTorch that does something alike.

    OMP_NUM_THREADS=1 python bench/degradation.py            # half a minute; quick=true: a quarter of that
    OMP_NUM_THREADS=1 python bench/degradation.py basicsr=BasicSR kair=KAIR        # a minute more: see bench/theirs.py

Batch 16, HR patches of 96x96 with the margin that the degradation needs, x2, float32. Bicubic stands beside torch's own
interpolation, which MATLAB's LR files differ from; blur beside one convolution with the same kernel for all images; noise
beside `torch.randn_like`; JPEG beside Pillow, which a device part cannot use.

With basicsr= and kair=, the folders of their checkouts: batches of 8 LR patches of 64x64 at x4 on one core, from stored pixels
to LR, beside the authors' own pipelines, which degrade a crop of 400x400 for each (theirs mirrors the border where ours cuts a
window as large as each sample's kernels reach).

    OMP_NUM_THREADS=1 python bench/degradation.py codecs=true                     # seconds; needs PyAV: pip install ".[video]"

With codecs=true: patches of 64x64 and clips of 8 of them through JPEG, WebP and each video codec, on one core.
"""

import io
import statistics
import time
from collections.abc import Callable
from itertools import count

import numpy as np
import PIL.Image
import skimage.data
import torch
import torch.nn.functional as F
from hydra import compose, initialize_config_dir
from theirs import KAIR, BasicSR
from torch import Tensor

from common import in_turns, options, record, say
from sr import build
from sr.cli import CONF
from sr.data.patches import cut
from sr.degradation.chain import Chain
from sr.degradation.jpeg import JPEG
from sr.degradation.video_codec import CODECS, VideoCodec
from sr.degradation.webp import WebP
from sr.functional.draws import Draws
from sr.image.kind import PHOTO

BATCH, PATCH, SCALE = 16, 48, 2


def chain(*names: str, scale: int = SCALE) -> Chain:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("train", [f"degradation=[{','.join(names)}]", f"scale={scale}"])
    return Chain(build.build(cfg.degradation), scale)


def jpeg(image: Tensor) -> list[np.ndarray]:
    found = []
    for pixels in (image * 255).byte().permute(0, 2, 3, 1).numpy():
        buffer = io.BytesIO()
        PIL.Image.fromarray(pixels).save(buffer, "JPEG", quality=50)
        found.append(np.asarray(PIL.Image.open(buffer)))
    return found


BARE: dict[str, Callable[[Tensor], object]] = {
    "bicubic": lambda hr: F.interpolate(hr, scale_factor=0.5, mode="bicubic", antialias=True),
    "decimation": lambda hr: hr[..., ::2, ::2].contiguous(),
    "blur": lambda hr: F.conv2d(hr, torch.full((3, 1, 21, 21), 1 / 441), padding=10, groups=3),
    "noise": lambda hr: hr[..., ::2, ::2] + 0.1 * torch.randn_like(hr[..., ::2, ::2]),
    "jpeg": lambda hr: jpeg(hr[..., ::2, ::2]),
}
CHAINS = {
    "bicubic": ("bicubic",),
    "decimation": ("decimation",),
    "blur": ("blur", "decimation"),
    "noise": ("decimation", "noise"),
    "jpeg": ("decimation", "jpeg"),
}


def blind(name: str, theirs: Callable[[list[np.ndarray]], object], pairs: int) -> None:
    """Batches of LR patches of a blind pipeline, ours and theirs, from the same photographs (H, W, 3) of 8 bits."""
    degradation = chain(name, scale=4)
    photos = [np.ascontiguousarray(image[:400, :400]) for image in (skimage.data.astronaut(), skimage.data.coffee())] * 4
    first = count(0, len(photos))

    def ours() -> Tensor:
        draws = Draws(0, next(first), len(photos), "bench")
        parameters = degradation.sample(draws)
        side = 256 + 2 * degradation.reach(parameters, 64)
        windows = np.empty((len(photos), side, side, 3), np.uint8)
        for photo, window in zip(photos, windows, strict=True):
            cut(photo, 400, 400, (400 - side) // 2, (400 - side) // 2, window)
        return degradation(PHOTO.to_float(torch.from_numpy(windows)), parameters, 64)

    found = in_turns(ours, lambda: theirs(photos), pairs)
    times = {who: found[f"{who}_processor_ms"] / len(photos) for who in ("ours", "bare")}
    print(f"{name}: {1e3 / times['ours']:.1f} LR patches/s on a core, theirs {1e3 / times['bare']:.2f}")
    record("degradation", what=name, beside=theirs.__name__, **found)


def codecs(rounds: int) -> None:
    """Pictures of 64x64 that each codec compresses per second of a core, alone and as clips of 8, in turns."""
    photo = torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1) / 255
    corners = [(y + i, x + i) for y in (64, 224) for x in (64, 224) for i in range(8)]
    frames = torch.stack([photo[:, y : y + 64, x : x + 64] for y, x in corners])
    stages = {"JPEG": JPEG(), "WebP": WebP(), **{codec.title: VideoCodec({name: 1}) for name, codec in CODECS.items()}}
    times: dict[str, list[list[float]]] = {name: [[], []] for name in stages}
    for turn in range(rounds):
        for name, stage in stages.items():
            for kind, batch in enumerate((frames, frames.unflatten(0, (-1, 8)))):
                parameters = stage.sample(Draws(0, turn * len(batch), len(batch), "bench"))
                start = time.process_time()
                stage(batch, parameters)
                times[name][kind].append(time.process_time() - start)
    for name, kinds in times.items():
        single, clip = (len(frames) / statistics.median(seconds) for seconds in kinds)
        print(f"{name}: {single:.0f} patches/s on a core, {clip:.0f} frames/s in clips of 8")


def main() -> None:
    found = options(__doc__, "quick", "basicsr", "kair", "codecs")
    pairs = 10 if found.get("quick") == "true" else 40
    say()
    if found.get("codecs") == "true":
        return codecs(pairs // 5)
    if "basicsr" in found:
        model = BasicSR(found["basicsr"])

        def basicsr(photos: list[np.ndarray]) -> Tensor:
            return model.degrade(model.items([photo.astype(np.float32) / 255 for photo in photos]))

        blind("realesrgan", basicsr, pairs // 8)
    if "kair" in found:
        functions = KAIR(found["kair"])

        def kair(photos: list[np.ndarray]) -> list[np.ndarray]:
            return [functions.degrade(photo.astype(np.float32) / 255, "bsrgan") for photo in photos]

        blind("bsrgan", kair, pairs // 8)
    for name, stages in CHAINS.items():
        degradation = chain(*stages)
        side = SCALE * PATCH + 2 * degradation.margin
        hr = torch.randint(0, 256, (BATCH, 3, side, side)).div(255)
        drawn = degradation.sample(Draws(0, 0, BATCH, "bench"))
        parameters = {key: torch.as_tensor(value) for key, value in drawn.items()}
        found = in_turns(lambda d=degradation, p=parameters, x=hr: d(x, p), lambda b=BARE[name], x=hr: b(x), pairs)
        record("degradation", what=",".join(stages), beside=name, **found)


if __name__ == "__main__":
    main()
