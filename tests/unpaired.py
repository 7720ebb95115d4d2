"""Two small sets of real photos that do not correspond, and short unpaired runs on them."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from skimage import data

from tests.jobs import compose
from tests.model.gan_job import SHORT, trained

TINY = (
    "network=compact",
    "network.n_feats=8",
    "network.n_blocks=1",
    "degrader.n_feats=4",
    "degrader.n_blocks=1",
    "discriminator.n_feats=4",
    "data.batch_size=4",
    "data.patch_size=20",
    "benchmark=[sample]",
    *SHORT,
)
HR, LR = ("astronaut", "coffee"), ("chelsea", "rocket")


def write_sets(folder: Path) -> tuple[str, ...]:
    """hr/ has two photos of 96x128 pixels, lr/ two others; the words that choose them."""
    for kind, names in (("hr", HR), ("lr", LR)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name in names:
            Image.fromarray(np.ascontiguousarray(getattr(data, name)()[80:176, 120:248])).save(folder / kind / f"{name}.png")
    return f"data.train={folder}/hr", f"data.lr={folder}/lr", f"data_dir={folder}/data"


def config(model: str, folder: Path, *words: str) -> Any:
    """That of a short run; `hr_discriminator` is as small as the other."""
    small = TINY + (("hr_discriminator.n_feats=4",) if model == "cyclegan_sr" else ())
    return compose("train", f"model={model}", *small, *write_sets(folder), *words)


def fit(model: str, folder: Path, run: str, *words: str, resume: Path | None = None, watch: Any = None) -> tuple[Any, Any]:
    """Train in folder/run on the sets of the folder; the trainer and the module after it."""
    return trained(config(model, folder, *words, f"output_dir={folder / run}"), resume, watch)
