"""Scale 1: what is trained, measured and applied without enlargement."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import sr
from sr.benchmark.pairs import Benchmark
from sr.cli.predict import predict
from sr.cli.test import test as run_test
from sr.cli.train import train
from sr.degradation.bicubic import Bicubic
from sr.degradation.chain import Chain
from sr.degradation.noise import Noise
from sr.errors import InputError
from sr.image.file import read_rgb8
from sr.network.spandrel import Spandrel
from tests.jobs import compose, run_train


@pytest.fixture
def pairs(tmp_path) -> Path:
    """A folder with a clean crop of a photo and the same with noise of level 20."""
    clean = data.chelsea()[100:164, 100:196]
    noisy = (clean + np.random.default_rng(0).normal(0, 20, clean.shape)).clip(0, 255).round().astype(np.uint8)
    for name, pixels in (("clean", clean), ("noisy", noisy)):
        (tmp_path / name).mkdir()
        Image.fromarray(pixels).save(tmp_path / name / "cat.png")
    return tmp_path


def released(folder: Path) -> Path:
    """Weights of a SwinIR for restoration, as its authors save them; it smooths a little."""
    torch.manual_seed(0)
    network = Spandrel(
        scale=1, architecture="SwinIR", n_feats=12, n_blocks=1, options={"depths": 2, "num_heads": 2, "window_size": 8}
    )
    assert not any(key.startswith("upsample") for key in network.state_dict())  # its authors' upsampler "" has none
    torch.nn.init.normal_(network.conv_last.weight, std=1e-3)
    torch.nn.init.zeros_(network.conv_last.bias)
    torch.save({"params": network.state_dict()}, folder / "1x.pth")
    return folder / "1x.pth"


def test_weights_for_x1_are_loaded_tested_and_applied(pairs):
    file = released(pairs)
    network = sr.load(file)
    assert (network.scale, network.multiple_of, network.channels) == (1, 8, 3)
    benchmark = ["benchmark=folder", f"benchmark.folder.hr={pairs}/clean", f"benchmark.folder.lr={pairs}/noisy"]
    run_test(compose("test", "trainer.accelerator=cpu", f"ckpt={file}", *benchmark, f"output_dir={pairs}/out"))
    scores = json.loads((pairs / "out" / "metrics.json").read_text())["folder"]
    clean, noisy = (read_rgb8(pairs / name / "cat.png").astype(float) for name in ("clean", "noisy"))
    unchanged = 10 * np.log10(255**2 / ((clean - noisy) ** 2).mean())
    assert scores["bicubic"]["psnr_rgb"] == pytest.approx(unchanged, abs=1e-6)  # the row of the input as it is
    assert scores["psnr_rgb"] != scores["bicubic"]["psnr_rgb"] and abs(scores["psnr_rgb"] - unchanged) < 1

    predict(compose("predict", f"ckpt={file}", f"input={pairs}/noisy", f"output={pairs}/restored", "device=cpu"))
    restored = read_rgb8(pairs / "restored" / "cat.png")
    assert (
        restored.shape == (64, 96, 3) and 0 < np.abs(restored - read_rgb8(pairs / "noisy" / "cat.png").astype(float)).mean() < 5
    )


@pytest.mark.medium
def test_the_recipe_of_nafnet_trains_on_noise_and_its_checkpoint_restores(tmp_path, pairs):
    small = ["network.n_feats=4", "network.encoder_blocks=[1,1]", "network.decoder_blocks=[1,1]", "network.n_middle_blocks=1"]
    words = ["model=nafnet", *small, "trainer.max_steps=2", "trainer.val_check_interval=2"]
    benchmark = ["benchmark=folder", f"benchmark.folder.hr={pairs}/clean", f"benchmark.folder.lr={pairs}/noisy"]
    small_data = ["data.batch_size=2", "data.patch_size=16", "data.n_workers=0", "trainer.accelerator=cpu", "logger=csv"]
    train(compose("train", *words, *small_data, *benchmark, f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data"))
    network = sr.load(tmp_path / "run" / "checkpoints" / "best.ckpt")
    assert (type(network).__name__, network.scale, network.multiple_of) == ("NAFNet", 1, 4)
    scores = json.loads((tmp_path / "run" / "metrics.json").read_text())["folder"]
    assert scores["bicubic"]["psnr_rgb"] == pytest.approx(22.3, abs=0.5)  # noise of level 20; less what was clipped
    assert scores["psnr"] > 15


def test_a_degradation_that_changes_nothing_is_refused():
    hr, noise = torch.rand(1, 3, 16, 16), Noise()
    with pytest.raises(InputError, match=r"^degradation=\[bicubic\] changes nothing at scale=1, so LR equals HR: pass "):
        Chain({"bicubic": Bicubic(1)}, 1)(hr, {})
    assert not Chain({"bicubic": Bicubic(1), "noise": noise}, 1).idle and not Chain({"bicubic": Bicubic(2)}, 2).idle


def test_a_run_on_it_ends_in_that_line(tmp_path):
    with pytest.raises(InputError, match="changes nothing at scale=1"):
        run_train("scale=1", f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data", "trainer.max_steps=1")


def test_a_benchmark_whose_lr_would_equal_hr_says_so(pairs):
    with pytest.warns(UserWarning, match="^mine: at scale=1, generated LR equals HR, so scores only show how little"):
        Benchmark("mine", pairs / "clean", 1).prepare()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Benchmark("mine", pairs / "clean", 1, lr=pairs / "noisy").prepare()
