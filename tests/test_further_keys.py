"""Networks that take more than LR, through the whole: trained, validated, tested, and resumed bit for bit."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from sr import build
from sr.cli.test import score
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image.file import read_rgb8, to_pixels, to_tensor
from sr.image.photograph import photograph
from sr.infer.upscaler import upscale
from sr.metric.psnr import PSNR
from sr.predict.files import predict_files
from sr.weights import checkpoint
from sr.weights.load import load
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


@pytest.mark.medium
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


def test_a_checkpoint_is_measured_and_used_at_any_scale(tmp_path, photos):
    """3.7 after a training at 2: scored against HR of that size with bicubic's row beside it, pictures, predict.py's files."""
    run(tmp_path / "run", photos, *RUNS["the batch's scale, and any size"])
    last = f"ckpt={tmp_path}/run/checkpoints/last.ckpt"
    folder = ["benchmark=folder", f"benchmark.folder.hr={photos}", "metric=[psnr,ssim]"]
    cfg = compose("test", last, "trust=[tests]", "scale=3.7", *folder, f"output_dir={tmp_path}/test")
    scores = score(cfg)["folder"]
    bicubic = 0.0
    for file in photos.iterdir():
        hr = to_tensor(read_rgb8(file))[..., :63, :63]  # of 17 LR pixels
        lr = imresize(hr, size=(17, 17), rounding=True)
        bicubic += PSNR(crop_border=4)(imresize(lr, size=(63, 63), rounding=True), hr).item() / 4
    assert scores["images"].keys() == {"0", "1", "2", "3"} and scores["bicubic"]["psnr"] == pytest.approx(bicubic, abs=1e-9)
    assert bicubic > scores["psnr"] > 5
    assert len(list((tmp_path / "test" / "images" / "test").glob("*.png"))) == 3

    network = load(tmp_path / "run" / "checkpoints" / "last.ckpt", trusted=["tests"])
    result = predict_files(network, [(photos / "0.png", tmp_path / "0.png")], outscale=3.7, tile=48)
    assert result.written == 1
    written, lr = read_rgb8(tmp_path / "0.png").astype(int), to_tensor(read_rgb8(photos / "0.png"))
    assert written.shape == (237, 237, 3) and abs(written - to_pixels(upscale(network, lr, scale=3.7))).max() <= 1


def test_a_set_without_the_key_is_refused_before_the_training(tmp_path, photos):
    with pytest.raises(InputError, match=r"blur_kernel, which the validation set folder does not have \(it has lr, name"):
        run(tmp_path, photos, *KERNEL, "validation=[]")


def test_a_degradation_that_does_not_tell_it_is_refused(tmp_path, photos):
    words = [RUNS["a kernel that the degradation drew"][i] for i in (0, -1)]
    with pytest.raises(InputError, match="requires blur_kernel, which the batch does not have"):
        run(tmp_path, photos, *words, "validation=[]")
