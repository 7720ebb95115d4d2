"""The contact sheet of `python train.py preview=true`."""

from pathlib import Path

import torch
from omegaconf import DictConfig

from sr.build.data import data
from sr.build.image import image
from sr.callback.preview import picture
from sr.data.preview import prepared
from sr.device import speed
from sr.files import whole


def preview(cfg: DictConfig) -> Path:
    """Write preview.png in the run's folder: HR and LR of its first training samples, and what was done to them."""
    file, device = Path(cfg.output_dir) / "preview.png", speed.device_type(cfg.trainer.accelerator)
    made = picture(prepared(data(cfg)), torch.device(device), image(cfg).shown)
    with whole(file) as temporary:
        made.save(temporary, format="png")
    return file
