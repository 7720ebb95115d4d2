"""Photographs blurred by known kernels for KernelGAN, and the table of what was estimated and enlarged.

    python bench/kernelgan.py photos=100075,106020,108041 data=data/BSDS500/train output=outputs/kernelgan
    python bench/kernelgan.py output=outputs/kernelgan

The first writes hr/NAME/NAME.png, lr/NAME/NAME.png, true/NAME.npy and bicubic.npy below `output`; the second reads
kernels/NAME/kernel.npy and sr/NAME_KIND/metrics.json, KIND being estimated, true, bicubic or back_projection. The commands
between the two: experiments/kernelgan/README.md.
"""

import json
from pathlib import Path

import numpy as np
import torch

from common import options, say
from sr.functional import kernels
from sr.functional.given_kernel import aligned, downscaled, read_kernel
from sr.functional.kernel_estimate import kernel_psnr
from sr.functional.resize import imresize
from sr.image import file as image

BLURS = ((2.0, 0.8, 0.5), (1.0, 1.6, 0.9), (1.2, 2.2, 2.4), (0.7, 1.5, 1.6), (1.8, 1.4, 2.8))  # sigma x, sigma y, angle
SIDE, KINDS = 13, ("bicubic", "estimated", "true", "back_projection")


def bicubic() -> np.ndarray:
    """(9, 9): what MATLAB's bicubic downscaling by 2 does, found by an image of one white pixel at each place of a cell."""
    made = np.zeros((9, 9))
    for y in range(9):
        for x in range(9):
            one = torch.zeros(1, 1, 48, 48, dtype=torch.float64)
            one[..., 20 + y, 20 + x] = 1
            made[y, x] = imresize(one, 0.5)[0, 0, 12, 12]
    return made


def make(photos: str, data: str, output: str) -> None:
    folder = Path(output)
    for part in ("true", "kernels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    np.save(folder / "bicubic.npy", bicubic())
    for name, blur in zip(photos.split(","), BLURS, strict=False):
        pixels = image.read_rgb8(next(Path(data).glob(f"{name}.*")))
        hr = pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2]
        kernel = aligned(kernels.gaussian(SIDE, *blur), 2)
        kernel /= kernel.sum()
        np.save(folder / "true" / f"{name}.npy", kernel)
        lr = downscaled(image.to_tensor(hr).double(), kernel, 2).clamp(0, 1)
        for part, made in (("hr", hr), ("lr", image.to_pixels(lr))):
            (folder / part / name).mkdir(parents=True, exist_ok=True)
            image.write(folder / part / name / f"{name}.png", image.Image(made))


def table(output: str) -> None:
    folder, rows, means = Path(output), [], []
    for true in sorted((folder / "true").glob("*.npy")):
        known, name = read_kernel(true), true.stem
        guesses = (read_kernel(folder / "kernels" / name / "kernel.npy"), aligned(read_kernel(folder / "bicubic.npy"), 2))
        found = [kernel_psnr(guess, aligned(known, 2)) for guess in guesses]
        for kind in KINDS:
            file = folder / "sr" / f"{name}_{kind}" / "metrics.json"
            found.append(json.loads(file.read_text())["folder"]["psnr"] if file.is_file() else np.nan)
        first = next((folder / "sr").glob(f"{name}_*/metrics.json"), None)
        found.append(json.loads(first.read_text())["folder"]["bicubic"]["psnr"] if first else np.nan)
        rows.append(f"| {name} | " + " | ".join(f"{value:.2f}" for value in found) + " |")
        means.append(found)
    heads = ["photo", "kernel: estimated", "kernel: bicubic", *(f"SR: {kind}" for kind in KINDS), "bicubic upscaling"]
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    print("\n".join([*rows, "| mean | " + " | ".join(f"{value:.2f}" for value in np.mean(means, 0)) + " |"]))


if __name__ == "__main__":
    given = options(__doc__, "photos", "data", "output")
    say()
    (make if "photos" in given else table)(**given)
