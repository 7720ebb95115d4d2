"""Validation and test of an image that the memory does not hold at once: in tiles, with the scores of the whole."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from skimage import data

import sr
from sr.functional.resize import imresize
from sr.image.file import read_rgb8, to_tensor
from sr.infer.upscaler import upscale
from sr.metric.psnr import PSNR
from sr.metric.ssim import SSIM
from tests.jobs import ROOT

SIDE = 1200  # of HR: of 600x600 LR pixels each layer of 64 features takes 92 MB
LITTLE_MEMORY = """
import resource, sys
from tests.jobs import compose
from sr.cli.train import train
words = ["data_dir=data", "data.n_workers=0", "trainer.accelerator=cpu", "trainer.precision=32-true", "data.batch_size=2",
         "data.patch_size=16", "logger=csv", "network.n_feats=64", "network.n_blocks=1", "trainer.max_steps=1"]
train(compose("train", *words, "output_dir=small", "trainer.limit_val_batches=1", "trainer.limit_test_batches=1"))
pages = int(open("/proc/self/statm").read().split()[0])  # with the libraries' own memory
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + int(sys.argv[1]) * 2**20,) * 2)
train(compose("train", *words, "output_dir=large", "benchmark=folder", "benchmark.folder.hr=hr"))
"""


@pytest.mark.slow
def test_short_memory_is_used_in_tiles_and_gives_the_scores_of_the_whole(tmp_path):
    (tmp_path / "hr").mkdir()
    pixels = np.tile(data.chelsea(), (4, 3, 1))[:SIDE, :SIDE]
    Image.fromarray(pixels).save(tmp_path / "hr" / "large.png", compress_level=1)
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-c", LITTLE_MEMORY, "160"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, env=env, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    said = [line for line in done.stderr.replace("\r", "\n").splitlines() if "tiles" in line]
    expected = "warning: folder/large: not enough memory for 600x600 LR pixels at once: it is upscaled in tiles of at most"
    assert said and all(
        expected in line and line.endswith("pixels, which equals the result of the whole image") for line in said
    )
    assert "validation" in said[0]

    hr = to_tensor(read_rgb8(tmp_path / "hr" / "large.png"))
    lr = imresize(hr, 1 / 2, rounding=True)
    whole, bicubic = upscale(sr.load(tmp_path / "large" / "checkpoints" / "best.ckpt"), lr), imresize(lr, 2, rounding=True)
    scores = json.loads((tmp_path / "large" / "metrics.json").read_text())["folder"]
    with open(tmp_path / "large" / "metrics.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    for name, kind in (("psnr", PSNR), ("ssim", SSIM)):
        metric = kind(crop_border=2)
        assert scores[name] == pytest.approx(metric(whole, hr).item(), rel=1e-6)
        assert float(row[f"val/{name}"]) == pytest.approx(scores[name], rel=1e-6)
        assert scores["bicubic"][name] == pytest.approx(metric(bicubic, hr).item(), rel=1e-12)
