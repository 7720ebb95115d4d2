"""train.py experiment=zssr: the network of network=zssr, bit by bit, its picture, and a resume."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.errors import InstantiationException
from PIL import Image
from skimage import data

from sr import build
from sr.cli.test import test as run_test
from sr.cli.train import train
from sr.image.kind import PHOTO
from sr.network.zssr import ZSSR
from tests.jobs import compose, run_script

SMALL = ("network.n_feats=8", "network.n_layers=3", "trainer.accelerator=cpu")


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    file = tmp_path_factory.mktemp("photo") / "eye.png"
    Image.fromarray(data.chelsea()[60:101, 100:157]).save(file)
    return file


def run(photo, folder, *words):
    train(
        compose("train", "experiment=zssr", f"data.train={photo}", "data.max_steps=16", *SMALL, f"output_dir={folder}", *words)
    )
    return np.asarray(Image.open(folder / "enlarged" / "inputs_eye_x2.png"))


@pytest.mark.medium
def test_training_is_that_of_the_finished_network_and_resumes_exactly(photo, tmp_path):
    made = run(photo, tmp_path / "whole")
    lr = PHOTO.to_float(torch.from_numpy(PHOTO.read(photo)))[None]
    wanted = ZSSR(n_feats=8, n_layers=3, max_steps=16)(lr)[0]
    assert np.array_equal(made, PHOTO.to_stored(wanted).permute(1, 2, 0).numpy()) and made.shape == (82, 114, 3)
    run(photo, tmp_path / "part", "trainer.max_steps=10")
    last = tmp_path / "part" / "checkpoints" / "last.ckpt"
    done = run_script("train.py", f"resume={last}", "trainer.max_steps=16", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    files = [Path(tmp_path, name, "checkpoints", "last.ckpt") for name in ("whole", "part")]
    states = [torch.load(file, weights_only=True) for file in files]
    assert all(map(torch.equal, states[0]["state_dict"].values(), states[1]["state_dict"].values()))
    assert states[0]["zssr"] == states[1]["zssr"] and states[0]["zssr"]["rule"]["steps"] == 16


@pytest.mark.medium
def test_a_benchmark_is_scored_and_goes_on(photo, tmp_path):
    hr = tmp_path / "hr"
    hr.mkdir()
    Image.fromarray(data.chelsea()[60:156, 100:200]).save(hr / "cat.png")
    words = ["network=zssr", "scale=2", *SMALL, "network.max_steps=8", "benchmark=[folder]", f"benchmark.folder.hr={hr}"]
    for _ in range(2):
        run_test(compose("test", *words, "callback=[enlarged]", f"output_dir={tmp_path / 'out'}"))
        scores = json.loads((tmp_path / "out" / "metrics.json").read_text())["folder"]
        assert scores["psnr"] > scores["bicubic"]["psnr"] + 0.5  # by back-projection
        assert len(list((tmp_path / "out" / "fitted").iterdir())) == 1
    assert Image.open(tmp_path / "out" / "enlarged" / "folder_cat_x2.png").size == (100, 96)


def test_predict_makes_the_same_and_names_a_file_that_is_too_small(photo, tmp_path):
    files = tmp_path / "in"
    files.mkdir()
    Image.open(photo).save(files / "eye.png")
    Image.open(photo).crop((0, 0, 12, 30)).save(files / "tiny.png")
    small = ("network.n_feats=8", "network.n_layers=3", "network.max_steps=4", "scale=2", "device=cpu")
    done = run_script("predict.py", "network=zssr", *small, f"input={files}", f"output={tmp_path}/out", cwd=tmp_path)
    assert done.returncode == 1 and "tiny.png: 12x30 pixels are too few for ZSSR x2: it needs 16x16" in done.stderr
    lr = PHOTO.to_float(torch.from_numpy(PHOTO.read(photo)))[None]
    wanted = PHOTO.to_stored(ZSSR(n_feats=8, n_layers=3, max_steps=4)(lr)[0]).permute(1, 2, 0)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out" / "eye.png")), wanted.numpy())


@pytest.mark.parametrize(
    "words, line",
    [
        (("data.train=none.png",), "data.train=none.png: no such image file"),
        (("scale=8",), "eye.png: an image of 57x41 pixels is too small for ZSSR x8: it needs at least 64x64"),
        (("data.kernel=none.mat",), "kernel=none.mat: no such file"),
        (("degradation=[blur,bicubic]",), "data=one_image makes LR by bicubic or by data.kernel=FILE"),
    ],
)
def test_bad_input_is_one_line(photo, tmp_path, words, line):
    with pytest.raises(InstantiationException, match=line):  # whose cause the command line prints
        build.data(compose("train", "experiment=zssr", f"data.train={photo}", *words))
