"""Milliseconds of each degradation on a batch, beside the plainest PyTorch that does something alike.

    OMP_NUM_THREADS=1 python bench/degradation.py            # half a minute; quick=true: a quarter of that

Batch 16, HR patches of 96x96 with the margin that the degradation needs, x2, float32. Bicubic stands beside torch's own
interpolation, which MATLAB's LR files differ from; blur beside one convolution with the same kernel for all images; noise
beside `torch.randn_like`; JPEG beside Pillow, which a device part cannot use.
"""

import io
from collections.abc import Callable

import numpy as np
import PIL.Image
import torch
import torch.nn.functional as F
from hydra import compose, initialize_config_dir
from torch import Tensor

from common import in_turns, options, record, say
from sr import build
from sr.cli import CONF
from sr.degradation.chain import Chain
from sr.functional.draws import Draws

BATCH, PATCH, SCALE = 16, 48, 2


def chain(*names: str) -> Chain:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("train", [f"degradation=[{','.join(names)}]", f"scale={SCALE}"])
    return Chain(build.build(cfg.degradation), SCALE)


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


def main() -> None:
    pairs = 10 if options(__doc__, "quick").get("quick") == "true" else 40
    say()
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
