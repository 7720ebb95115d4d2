"""Networks that take more than LR, through the whole: trained, validated, tested, and resumed bit for bit."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from sr import build
from sr.errors import InputError
from sr.image.file import to_pixels
from sr.image.photograph import photograph
from sr.weights import checkpoint
from tests.jobs import SMALL, compose

DELTA = [[[float(x == y == 3) for x in range(7)] for y in range(7)]]  # the kernel of a benchmark without blur
KERNEL = ["network._target_=tests.network.further.Kernel", "degradation=[blur,bicubic]", "degradation.blur.kernel_size=7"]
RUNS = {
    "a kernel that the degradation drew": [*KERNEL, f"+benchmark.folder.further={{blur_kernel:{DELTA}}}"],
    "the batch's scale, and any size": ["network._target_=tests.network.further.Scaled", "augmentation=[flip,turn,mixup]"],
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Four pieces of a photograph, 64x64."""
    folder = tmp_path_factory.mktemp("photos")
    photo = photograph(128, 3)
    for n, (y, x) in enumerate(((0, 0), (0, 64), (64, 0), (64, 64))):
        Image.fromarray(to_pixels(photo[..., y : y + 64, x : x + 64])).save(folder / f"{n}.png")
    return folder


def run(folder: Path, photos: Path, *words: str, resume: Path | None = None):
    cfg = compose(
        "train", *SMALL, "data=folder", f"data.train={photos}", "benchmark=folder", f"benchmark.folder.hr={photos}",
        "validation=[split]", "+validation.split.size=1", "metric=[psnr]", "callback=[checkpoint]", "logger=none",
        "schedule=constant", "trainer.val_check_interval=2", "trainer.max_steps=4", f"data.cache_dir={folder}/cache",
        f"output_dir={folder}", *words,
    )  # fmt: skip
    build.seed(cfg)
    data, model = build.data(cfg), build.model(cfg)
    trainer = build.trainer(cfg, model)
    build.fit(trainer, model, data, resume=resume and str(resume))
    return checkpoint.read(folder / "checkpoints" / "last.ckpt"), lambda: build.test(trainer, model, data)


@pytest.mark.parametrize("words", RUNS.values(), ids=RUNS)
def test_trained_validated_tested_and_resumed_bit_for_bit(tmp_path, photos, words):
    words = [*words, "model.ema=0.9"]
    whole, test = run(tmp_path / "whole", photos, *words)
    run(tmp_path / "part", photos, *words, "trainer.max_steps=2")
    part, again = run(tmp_path / "rest", photos, *words, resume=tmp_path / "part" / "checkpoints" / "last.ckpt")
    assert whole["global_step"] == part["global_step"] == 4
    assert all(torch.equal(value, part["state_dict"][key]) for key, value in whole["state_dict"].items())
    scores = test()
    assert scores == again() and scores["folder"]["psnr"] > 5


def test_a_set_without_the_key_is_refused_before_the_training(tmp_path, photos):
    with pytest.raises(InputError, match=r"takes blur_kernel, which the validation set folder does not have \(it has lr, name"):
        run(tmp_path, photos, *KERNEL, "validation=[]")


def test_a_degradation_that_does_not_tell_it_is_refused(tmp_path, photos):
    words = [RUNS["a kernel that the degradation drew"][i] for i in (0, -1)]
    with pytest.raises(InputError, match="takes blur_kernel, which the batch does not have"):
        run(tmp_path, photos, *words, "validation=[]")
