"""Sets without HR are scored by metrics that need none; others refuse them before anything is measured."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from sr.benchmark.inputs import Inputs
from sr.cli.test import test as run_test
from sr.functional.resize import imresize
from sr.metric.niqe import NIQE
from tests.jobs import compose, run_train


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two parts of a photo, in folders of their own."""
    place = tmp_path_factory.mktemp("pictures")
    for name, left in (("a/one", 60), ("b/two", 200)):
        (place / name).parent.mkdir()
        Image.fromarray(data.chelsea()[60:180, left : left + 130]).save(place / f"{name}.png")
    return place


def words(folder, *others):
    return [
        "network=interpolation_bicubic",
        "ckpt=null",
        "scale=2",
        "trainer.accelerator=cpu",
        "benchmark=inputs",
        f"benchmark.inputs.lr={folder}",
        *others,
    ]


def test_items(folder):
    images = Inputs("mine", folder, 2)
    images.prepare()
    assert images.names == ["a_one", "b_two"] and not images.has_hr
    assert images[1].keys() == {"name", "lr", "scale"} and images[1]["lr"].shape == (3, 120, 130)
    assert np.array_equal(images[1]["lr"].permute(1, 2, 0), data.chelsea()[60:180, 200:330])


def test_a_network_is_scored_without_hr(folder, tmp_path):
    run_test(compose("test", *words(folder, "metric=niqe", "callback=[panels]", f"output_dir={tmp_path}")))
    scores = json.loads((tmp_path / "metrics.json").read_text())["inputs"]
    metric = NIQE(crop_border=2)
    lr = [torch.from_numpy(data.chelsea()[60:180, x : x + 130]).permute(2, 0, 1)[None] / 255 for x in (60, 200)]
    assert scores["images"]["a_one"]["niqe"] == pytest.approx(metric(imresize(lr[0], 2)).item(), abs=1e-3)
    baseline = [metric(imresize(one, 2, rounding=True)).item() for one in lr]  # MATLAB's, of 8 bit
    assert scores["bicubic"]["niqe"] == pytest.approx(np.mean(baseline), abs=1e-6)
    width, height = Image.open(tmp_path / "images" / "test" / "inputs_a_one.png").size
    assert width == 3 * height - 3 * 18 + 2 * 4  # LR, bicubic and SR, squares below titles of 18 pixels, 4 apart


def test_a_metric_that_needs_hr_refuses_before_the_training(folder, tmp_path):
    message = "benchmark inputs has no HR, with which psnr compare: pass metric"
    with pytest.raises(ValueError, match=message):
        run_test(compose("test", *words(folder, "metric=[psnr,niqe]", f"output_dir={tmp_path}/test")))
    mine = ["benchmark=inputs", f"benchmark.inputs.lr={folder}", "validation=sample", "metric=[psnr]"]
    with pytest.raises(ValueError, match=message):
        run_train(*mine, f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data")
    assert not (tmp_path / "run" / "checkpoints" / "last.ckpt").exists()


def test_a_picture_without_a_score_is_named(folder, tmp_path):
    (tmp_path / "flat").mkdir()
    Image.new("RGB", (130, 120), "gray").save(tmp_path / "flat" / "wall.png")
    with pytest.raises(ValueError, match=r"^inputs/wall: niqe, bicubic/niqe has no score: take the image out[^\n]*$"):
        run_test(compose("test", *words(tmp_path / "flat", "metric=niqe", f"output_dir={tmp_path}/out")))


def test_what_is_missing_is_one_line(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^RealSRSet not found: no such folder [^\n]*; download it from https"):
        Inputs("RealSRSet", tmp_path / "none", 2, url="https://x").prepare()
    with pytest.raises(ValueError, match="benchmark mine: lr=None is not a folder"):
        Inputs("mine", None, 2)
    with pytest.warns(UserWarning, match="mine is incomplete: 2 of 20 images"):
        Inputs("mine", folder, 2, n_images=20).prepare()
