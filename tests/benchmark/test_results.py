"""test.py results=DIR: files of another program are measured like a network's images."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from sr.benchmark.results import Results, found
from sr.cli.test import test as run_test
from sr.errors import InputError, MissingError
from sr.functional.resize import imresize
from sr.image.file import read_rgb8, to_pixels, to_tensor
from tests.jobs import compose


@pytest.fixture(scope="module")
def other(sr_data, tmp_path_factory):
    """Set5 by "another program", MATLAB's bicubic, in files named by it."""
    folder = tmp_path_factory.mktemp("other")
    for file in (sr_data / "benchmark" / "Set5" / "LR_bicubic" / "X4").glob("*.png"):
        pixels = to_pixels(imresize(to_tensor(read_rgb8(file)), 4).clamp(0, 1))
        Image.fromarray(pixels).save(folder / f"{file.stem.removesuffix('x4')}_SRx4.png")
    return folder


def score(sr_data, tmp_path, *words):
    run_test(compose("test", "benchmark=[set5]", f"data_dir={sr_data}", f"output_dir={tmp_path}/out", "scale=4", *words))
    return json.loads((tmp_path / "out" / "metrics.json").read_text())["set5"]


def test_bicubic_files_have_the_published_scores_of_bicubic(sr_data, tmp_path, other, capsys):
    scores = score(sr_data, tmp_path, f"results={other}", "results_pattern='{name}_SRx{scale}'")
    assert scores["psnr"] == pytest.approx(28.43, abs=0.01) and scores["ssim"] == pytest.approx(
        0.8111, abs=0.001
    )  # reference.md
    assert scores["psnr"] == pytest.approx(scores["bicubic"]["psnr"], abs=0.01)  # which is not rounded to 8 bits between
    assert f"| {other.name} " in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, line",
    [
        (["ckpt=a.ckpt"], "scores the files of another program: remove ckpt=a.ckpt"),
        (["scale=2.5"], "pass their scale, a whole number: scale=4"),
        (["benchmark=[set5,set14]"], "pass the one benchmark that they were made of"),
        (["backend=auto"], "remove backend=..."),
        (["results_pattern=small"], "pass a pattern with {name}"),
        ([], "no file for baby: looked for baby or babyx4; 5 of 5 images have none; pass results_pattern="),
    ],
)
def test_what_does_not_fit_is_one_line(sr_data, tmp_path, other, words, line):
    with pytest.raises((InputError, MissingError)) as caught:
        score(sr_data, tmp_path, f"results={other}", *words)
    assert line in str(caught.value) and "\n" not in str(caught.value)


def test_names_and_sizes_are_checked(tmp_path, other):
    for name in ("baby", "birdx4", "head_x4", "extra"):
        shutil.copy(other / "baby_SRx4.png", tmp_path / f"{name}.png")
    with pytest.warns(UserWarning, match=r"1 of 4 files belong to no image of the set \(extra.png is the first\)"):
        files = found(tmp_path, ["baby", "bird", "head"], 4)
    assert {name: file.name for name, file in files.items()} == {
        "baby": "baby.png", "bird": "birdx4.png", "head": "head_x4.png"
    }  # fmt: skip
    shutil.copy(other / "baby_SRx4.png", tmp_path / "headx2.png")
    with pytest.raises(InputError, match="several files for head: head_x4.png, headx2.png"):
        found(tmp_path, ["baby", "bird", "head"], 4)
    lr = to_tensor(np.zeros((10, 12, 3), np.uint8))
    with pytest.raises(InputError, match=r"baby.png is 512x512, expected 40x48 \(height x width\)"):
        Results(files, 4)(lr, ["baby"])
