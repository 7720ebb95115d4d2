"""sr/predict/files.py where the memory is short: smaller tiles, then a line."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sr.functional.resize import imresize
from sr.image.file import Image, read, read_rgb8, to_pixels, to_tensor, write
from sr.predict.files import predict_files
from sr.predict.plan import plan
from tests.predict.jobs import ROOT, SKIMAGE


class SmallMemory(nn.Module):
    """A device on which only 100 x 100 pixels fit."""

    scale, multiple_of = 2, 1

    def forward(self, lr):
        if lr.shape[-2] * lr.shape[-1] > 100 * 100:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return imresize(lr, 2)


@pytest.mark.parametrize("tile", ["auto", 128, None])
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("alpha_upscale", ["bicubic", "network"])
def test_tiles_shrink_until_they_fit(tmp_path, tile, batch, alpha_upscale):
    pixels = read_rgb8(SKIMAGE / "chelsea.png")
    image = Image(pixels, alpha=pixels[::-1, :, 0])
    write(tmp_path / "a.png", image)
    network, files = SmallMemory(), plan(tmp_path / "a.png", tmp_path / "out")
    assert predict_files(network, files, tile=tile, batch=batch, alpha_upscale=alpha_upscale).written == 1
    again = read(tmp_path / "out" / "a.png")
    expected = to_pixels(imresize(to_tensor(image.pixels), 2)).astype(int)
    assert np.abs(again.pixels - expected).max() <= 1
    expected = to_pixels(imresize(to_tensor(image.alpha), 2)).astype(int)
    assert np.abs(again.alpha - expected[..., 0]).max() <= 1


def test_memory_that_not_even_small_tiles_fit_into_costs_a_line(photos, capsys):
    assert predict_files(SmallMemory(), plan("photos/a.png", "out"), tile=300, overlap=80).written == 1  # 63x41 fits as it is
    write("photos/a.png", Image(read_rgb8(SKIMAGE / "chelsea.png")))
    result = predict_files(SmallMemory(), plan("photos/[ab].*", "out2"), tile=300, overlap=80)
    assert (result.written, result.failed) == (1, 1)
    assert re.search(r"photos/a\.png: out of memory, even with tiles of \d+x\d+ pixels", capsys.readouterr().err)
    assert not list(Path("out2").glob(".*"))


def test_memory_that_is_short_beside_the_network_plans_the_file_again(photos, monkeypatch, capsys):
    write("photos/a.png", Image(read_rgb8(SKIMAGE / "chelsea.png")))
    asked = []

    def empty(shape, dtype):
        asked.append(shape)
        if len(asked) == 10:
            raise MemoryError("no room for the last strip of a result that is planned whole")
        return np.empty(shape, dtype)

    monkeypatch.setattr("sr.infer.strips._empty", empty)
    result = predict_files(SmallMemory(), [(photos / "a.png", Path("a.png"))], tile=None)
    assert (result.written, result.failed) == (1, 0) and len(asked) > 10
    expected = to_pixels(imresize(to_tensor(read("photos/a.png").pixels), 2)).astype(int)
    assert np.abs(read("a.png").pixels - expected).max() <= 1


LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
import torch
from sr.network.compact import Compact
from sr.predict.files import predict_files
torch.set_num_threads(1)
network = Compact(scale=2, n_feats=64, n_blocks=1).eval()
network(torch.rand(1, 3, 64, 64))  # the libraries' own memory
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 160 * 2**20,) * 2)
try:
    network(torch.rand(1, 3, 816, 816))  # 170 MB for each layer
except RuntimeError as error:
    print(error)
print(predict_files(network, [(Path(sys.argv[1]), Path(sys.argv[2]))], tile=None).written)
"""


@pytest.mark.slow
@pytest.mark.parametrize("instructions", ["AVX2", "DEFAULT"])  # oneDNN's, which change what its kernels take
def test_the_systems_own_out_of_memory(tmp_path, instructions):
    chelsea = read_rgb8(SKIMAGE / "chelsea.png")
    image = Image(np.tile(chelsea, (3, 2, 1))[:816, :816])
    write(tmp_path / "a.bmp", image)
    words = [sys.executable, "-c", LITTLE_MEMORY, tmp_path / "a.bmp", tmp_path / "b.png"]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "ONEDNN_MAX_CPU_ISA": instructions}
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "can't allocate memory" in done.stdout  # it really was short
    assert done.stdout.splitlines()[-1] == "1" and read(tmp_path / "b.png").pixels.shape == (1632, 1632, 3)
