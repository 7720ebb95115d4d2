"""Validation and test of an image that the memory does not hold at once: in tiles, with the scores of the whole."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tests.jobs import ROOT

SIDE = 1600  # of HR: 800x800 LR pixels are 164 MB for each layer of 64 features
ALONE = """
import resource, sys
from tests.jobs import compose
from train import train
import torch
torch.set_num_threads(1)
limit, folder, *words = sys.argv[1:]
words = [*words, f"data_dir={folder}/data", "data.n_workers=0", "trainer.accelerator=cpu", "trainer.precision=32-true",
         "data.batch_size=2", "data.patch_size=16", "logger=csv", "network.n_feats=64", "network.n_blocks=1", "scale=2"]
train(compose("train", *words, f"output_dir={folder}/small", "trainer.max_steps=1",  # the libraries' own memory
              "trainer.limit_val_batches=1", "trainer.limit_test_batches=1"))
if limit != "0":
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + int(limit) * 2**20,) * 2)
train(compose("train", *words, f"output_dir={folder}/large", "trainer.max_steps=1", "benchmark=folder",
              f"benchmark.folder.hr={folder}/hr"))
"""


def scores(folder: Path, limit: int, *words: str) -> tuple[dict, str]:
    """metrics.json of a run that validates and tests the image in `limit` MB more than the libraries take; what it said."""
    line = [sys.executable, "-c", ALONE, str(limit), str(folder), *words]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, env=env, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "large" / "metrics.json").read_text())["folder"], done.stderr


@pytest.fixture
def large(tmp_path: Path) -> Path:
    (tmp_path / "hr").mkdir()
    chelsea = data.chelsea()
    Image.fromarray(np.tile(chelsea, (6, 4, 1))[:SIDE, :SIDE]).save(tmp_path / "hr" / "large.png", compress_level=1)
    return tmp_path


@pytest.mark.slow
def test_short_memory_is_used_in_tiles_and_gives_the_same_scores(large):
    free, said = scores(large, 0)
    assert "tiles" not in said
    short, said = scores(large, 300)
    tiles = "warning: folder/large: the memory is too short for 800x800 LR pixels at once: it is enlarged in tiles of at most"
    lines = [line for line in said.replace("\r", "\n").splitlines() if "tiles" in line]
    assert lines and all(tiles in line and line.endswith("pixels, which give the whole image's result") for line in lines)
    assert any("validation" in line for line in lines)
    for metric in ("psnr", "ssim", "psnr_rgb", "ssim_rgb"):
        assert short[metric] == pytest.approx(free[metric], rel=1e-6)
        assert short["bicubic"][metric] == free["bicubic"][metric]
