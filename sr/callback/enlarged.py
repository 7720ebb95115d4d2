"""Saves the results of a test as image files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl

from sr.image.kind import of_data
from sr.image.writer import Writer


class Enlarged(pl.Callback):
    """Writes SR of each picture that a test measures as `FOLDER/SET_NAME_x2.png`, in the depth of the image kind.

    Args:
        folder: where the files go.
    """

    def __init__(self, *, folder: str) -> None:
        self.folder = Path(folder)

    def on_test_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any) -> None:
        sr, lr = outputs["sr"], outputs["lr"]
        if sr.ndim != 4 or lr.ndim != 4:
            return
        kind = of_data(trainer.datamodule)
        pixels = kind.to_stored(sr[0].clamp(0, 1)).movedim(0, -1).cpu().numpy()
        if pixels.dtype not in (np.uint8, np.uint16) or pixels.shape[2] not in (1, 3):
            return  # no picture format holds it
        name = f"{outputs['set']}_{outputs['name']}_x{sr.shape[-2] / lr.shape[-2]:g}.png"
        with Writer(self.folder / name, pixels.shape, pixels.dtype) as writer:
            writer.write(np.ascontiguousarray(pixels))
