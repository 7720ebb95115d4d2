"""The parts together: a training of three steps, and its checkpoint."""

from pathlib import Path

import pytest
import sr
import torch
from sr.data.source.sample import Sample

CONF = Path(__file__).resolve().parent.parent / "conf"
SMALL = (
    "trainer.max_steps=3",
    "trainer.val_check_interval=3",
    "trainer.limit_val_batches=1",
    "trainer.limit_test_batches=1",
    "trainer.accelerator=cpu",
    "trainer.precision=32-true",
    "data.batch_size=2",
    "data.patch_size=16",
    "metric=[psnr]",
    "logger=csv",
)


def test_three_steps_of_training_and_the_checkpoint(tmp_path):
    photos = tmp_path / "photos.txt"
    photos.write_text("\n".join(str(file) for file, _ in Sample().files()[:3]))
    words = ["model=consistent", "loss=[l1,hardest]", "data=listed", f"data.train.path={photos}", *SMALL]
    cfg = sr.compose("train", [*words, f"data_dir={tmp_path}", f"output_dir={tmp_path / 'run'}"], config_dir=CONF)
    score = sr.train(cfg)
    assert score > 15  # dB
    best = tmp_path / "run" / "checkpoints" / "best.ckpt"
    network = sr.load(best, trusted=["my_project"])
    assert sr.upscale(network, torch.rand(1, 3, 6, 5)).shape == (1, 3, 12, 10)
    with pytest.raises(ValueError, match="my_project"):  # a checkpoint alone cannot choose which code runs
        sr.load(best)
