"""Writes the kernel that a run has estimated."""

from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from PIL import Image

from sr.files import whole
from sr.functional.kernel_estimate import twice

_ZOOM = 16  # screen pixels of a weight


class Kernel(pl.Callback):
    """At the end of a training, `kernel.npy` and `kernel_x4.npy`, float64 (k, k) of sum 1, and pictures of both.

    Args:
        folder: where they go.
    """

    def __init__(self, *, folder: str) -> None:
        self.folder = Path(folder)

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if not trainer.is_global_zero:
            return
        kernel = pl_module.estimate()
        for name, made in (("kernel", kernel), ("kernel_x4", twice(kernel))):
            with whole(self.folder / f"{name}.npy") as temporary, temporary.open("wb") as file:
                np.save(file, made)
            with whole(self.folder / f"{name}.png") as temporary:
                picture(made).save(temporary, format="png")
        side = len(kernel)
        print(f"estimated kernel of x2, {side}x{side}, and that of x4 made of it: kernel.npy, kernel_x4.npy in {self.folder}")


def picture(kernel: np.ndarray) -> Image.Image:
    """A kernel in gray: its largest weight is white, 0 and below is black."""
    levels = np.round(255 * np.clip(kernel / kernel.max(), 0, 1)).astype(np.uint8)
    return Image.fromarray(levels.repeat(_ZOOM, 0).repeat(_ZOOM, 1))
