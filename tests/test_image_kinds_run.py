"""image=gray and image=photo16 end to end on real pictures: train, validate, test, predict, panels, W&B, resume."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sr import build
from sr.benchmark.pairs import Benchmark
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image import file as image
from sr.image.kind import PHOTO
from sr.predict.compare import compare_files
from sr.predict.files import predict_files
from sr.report.runs import read
from sr.report.scales import by_scale
from sr.run.resume import resumed
from tests.jobs import ROOT, SMALL, call, compose, run_train
from tests.kinds import write_set
from tests.run.test_resume import assert_equal

KINDS = ("gray", "photo16")


def words(kind: str, folder: Path, run: Path) -> list[str]:
    data = ["data=folder", f"data.train={folder}/train", f"data.cache_dir={folder}/cache"]
    return [f"image={kind}", *data, "benchmark=folder", f"benchmark.folder.hr={folder}/hr", f"output_dir={run}"]


@pytest.fixture(scope="module", params=KINDS)
def job(request, tmp_path_factory) -> tuple[str, Path, Path]:
    """(kind, pictures, run) of a small training."""
    folder = write_set(request.param, tmp_path_factory.mktemp(request.param))
    short = ["metric=[psnr,psnr_rgb]", "trainer.max_steps=4", "trainer.val_check_interval=2"]
    run_train(*words(request.param, folder, folder / "run"), *short)
    return request.param, folder, folder / "run"


def test_trained_validated_and_tested(job):
    kind, _, run = job
    results = json.loads((run / "metrics.json").read_text())["folder"]
    assert results["bicubic"]["psnr"] > 15 and results["psnr"] > 5
    table, panels = (run / "table.md").read_text(), sorted((run / "images").rglob("*/*.png"))  # not images/degradation.png
    assert ("psnr (gray)" in table) == (kind == "gray") and len(panels) == 3
    for file in panels:
        pixels = np.asarray(Image.open(file))[18:]
        assert pixels.std() > 10 and (kind != "gray" or (pixels == pixels[..., :1]).all())
    stored = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert stored["sr"]["config"]["image"]["name"] == kind
    assert stored["state_dict"]["network.body.0.weight"].shape[1] == (1 if kind == "gray" else 3)


def test_scores_are_of_the_pixels_as_they_are(job):
    """Bicubic's PSNR once more by NumPy: 16 bits are not rounded to 8, gray does not become studio-range Y."""
    kind, folder, run = job
    metric = "psnr" if kind == "gray" else "psnr_rgb"
    (file,) = (folder / "hr").iterdir()
    sample = Benchmark("x", folder / "hr", 2, kind=build.image(compose("train", f"image={kind}")))[0]
    hr = image.read(file).pixels[..., : sample["hr"].shape[0]].astype(np.float64)
    assert np.array_equal(sample["hr"].permute(1, 2, 0).numpy(), hr)
    top = 255 if kind == "gray" else 65535
    lr = sample["lr"][None].double() / top
    sr = (imresize(lr, 2, rounding=top)[0] * top).round().permute(1, 2, 0).numpy()
    expected = 10 * np.log10(top**2 / np.mean((sr - hr)[2:-2, 2:-2] ** 2))
    assert json.loads((run / "metrics.json").read_text())["folder"]["bicubic"][metric] == pytest.approx(expected, abs=1e-6)


def test_the_checkpoint_says_its_kind_to_test_and_predict(job, tmp_path):
    kind, folder, run = job
    ckpt = run / "checkpoints" / "best.ckpt"
    cfg = compose("test", f"ckpt={ckpt}", f"data_dir={folder}", f"output_dir={tmp_path}")
    network = build.tested_network(cfg)
    assert cfg.image.name == kind and network.channels == cfg.image.bands
    assert build.benchmarks(cfg).kind == build.image(cfg) == cfg_kind(kind)
    other = "photo16" if kind == "gray" else "photo"
    for name in ("test", "predict"):
        cfg = compose(name, f"image={other}", f"ckpt={ckpt}", *(["input=a", "output=b"] if name == "predict" else []))
        with pytest.raises(InputError, match=f"^image={other}, but {ckpt} was trained with image={kind}: remove image=..."):
            (build.tested_network if name == "test" else build.predicting_network)(cfg)
    same = compose("test", f"image={kind}", f"ckpt={ckpt}", f"output_dir={tmp_path}")
    assert build.tested_network(same).channels == cfg_kind(kind).bands


def cfg_kind(name: str):
    return build.image(compose("train", f"image={name}"))


def test_predicted_files_keep_their_kind(job, tmp_path, capsys):
    kind, folder, run = job
    network = build.predicting_network(compose("predict", f"ckpt={run}/checkpoints/best.ckpt", "input=a", "output=b"))
    files = sorted((folder / "train").iterdir())
    result = predict_files(network, [(file, tmp_path / file.name) for file in files], tile=32, overlap=8)
    assert result.written == 3
    for file in files:
        lr, sr = image.read(file), image.read(tmp_path / file.name)
        assert sr.pixels.dtype == lr.pixels.dtype and sr.was_gray == (kind == "gray")
        assert sr.pixels.shape == (192, 192, 3)
    if kind == "photo16":
        assert (sr.pixels % 257 != 0).mean() > 0.9
        return
    colour = ROOT / "experiments" / "quickstart" / "coffee.png"
    result = predict_files(network, [(colour, tmp_path / "colour.png")])
    assert result.failed == 1 and not (tmp_path / "colour.png").exists()
    said = f"{colour}: the image has colour, but the network is for gray (image=gray): convert it to gray first"
    assert said in capsys.readouterr().err


def test_the_comparison_page_takes_gray(job, tmp_path):
    kind, folder, run = job
    network = build.predicting_network(compose("predict", f"ckpt={run}/checkpoints/best.ckpt", "input=a", "output=b"))
    assert compare_files([("mine", network)], folder / "hr", tmp_path / "page.html", degrade=True) == 0
    assert (tmp_path / "page.html").read_text().count("data:image/") >= 4


def test_resuming_as_another_kind_is_refused(job):
    kind, _, run = job
    last, other = run / "checkpoints" / "last.ckpt", "photo"
    cfg = compose("train", f"image={other}", f"resume={last}", "output_dir=x")
    with pytest.raises(InputError, match="^image cannot change on resume"):
        resumed(cfg, [f"image={other}", f"resume={last}"])
    cfg = compose("train", f"image={kind}", f"resume={last}", "output_dir=x")
    assert resumed(cfg, [f"image={kind}", f"resume={last}"]).image.name == kind


def test_a_checkpoint_from_before_kinds_is_of_photographs(job, tmp_path):
    """What an older version wrote: no image, no channels, no levels."""
    kind, _, run = job
    stored = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    config = stored["sr"]["config"]
    del config["image"], config["network"]["channels"], config["data"]["kind"]
    for node in (*config["metric"].values(), *config["degradation"].values(), *config["benchmark"].values()):
        for key in ("levels", "luma", "rounding", "kind"):
            node.pop(key, None)
    torch.save(stored, tmp_path / "old.ckpt")
    cfg = compose("test", f"ckpt={tmp_path}/old.ckpt", f"output_dir={tmp_path}")
    assert build.settle_image(cfg) == PHOTO and cfg.image.name == "photo"
    old = resumed(compose("train", f"resume={tmp_path}/old.ckpt", "output_dir=x"), [])
    assert build.image(old) == PHOTO


def test_runs_of_two_kinds_are_not_compared(job):
    kind, _, run = job
    old = replace(read(run), config={"scale": 2})  # from before kinds
    with pytest.raises(InputError, match=f"^runs of image={' and image='.join(sorted((kind, 'photo')))} cannot be compared"):
        by_scale([read(run), old])
    assert list(by_scale([read(run)])) == [2]


def test_colour_in_a_gray_set_is_counted(tmp_path, recwarn):
    folder = write_set("gray", tmp_path)
    shutil.copy(ROOT / "experiments" / "quickstart" / "coffee.png", folder / "train" / "coffee.png")
    data = build.data(compose("train", *SMALL, *words("gray", folder, tmp_path)))
    for _ in range(2):  # the second time from the cache
        data.hr = None
        data.prepare_data()
    said = [str(warning.message) for warning in recwarn if "in colour" in str(warning.message)]
    assert said and set(said) == {
        f"{folder}/train: 1 of 4 images are in colour and are converted to gray (rgb2gray) (coffee.png is the first)"
    }


@pytest.mark.medium
def test_one_folder_as_two_kinds_has_two_caches(tmp_path):
    folder = write_set("photo16", tmp_path)
    for kind in ("photo", "photo16", "gray"):
        data = build.data(compose("train", *SMALL, *words(kind, folder, tmp_path)))
        data.prepare_data()
        data.setup("fit")
        assert data.hr[0].dtype == cfg_kind(kind).dtype and data.hr[0].shape[2] == cfg_kind(kind).bands
    assert len(list((folder / "cache").glob("train-*"))) == 3


@pytest.mark.parametrize("model", ["srcnn", "edsr_baseline", "swinir_light"])
def test_other_recipes_take_gray(tmp_path, model):
    folder = write_set("gray", tmp_path)
    small = {"srcnn": ["network.n_feats=8"], "edsr_baseline": ["network.n_feats=8", "network.n_blocks=1"]}
    small |= {"swinir_light": ["network.n_blocks=1", "network.options.depths=1"]}
    rest = [word for word in SMALL if not word.startswith("network.")]
    cfg = compose("train", *rest, f"model={model}", *small[model], *words("gray", folder, tmp_path), "scale=2", "logger=none")
    built, data = build.model(cfg), build.data(cfg)
    data.prepare_data()
    data.setup("fit")
    assert built.network(torch.rand(1, 1, 16, 16)).shape == (1, 1, 32, 32)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_resume_is_exact_and_wandb_has_the_pictures(tmp_path, kind):
    folder = write_set(kind, tmp_path)
    (tmp_path / "home").mkdir()
    common = [
        *SMALL[:-1],
        *words(kind, folder, tmp_path / "whole"),
        "trainer.val_check_interval=3",
        "augmentation=[flip,scale]",
    ]
    common += ["degradation=[blur,bicubic,noise]", "schedule=constant"]
    done = call("train.py", *common, "trainer.max_steps=6", "logger=wandb", cwd=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    media = list((tmp_path / "whole").glob("wandb/offline-run-*/files/media/images/**/*.png"))
    assert len(media) == 4 and all(np.asarray(Image.open(file)).std() > 1 for file in media)
    assert list((tmp_path / "whole").glob("wandb/offline-run-*/files/media/table/test/images*"))
    half = [word.replace("/whole", "/half") for word in common]
    assert call("train.py", *half, "trainer.max_steps=3", "logger=csv", cwd=tmp_path / "home").returncode == 0
    last = tmp_path / "half" / "checkpoints" / "last.ckpt"
    done = call("train.py", f"resume={last}", "trainer.max_steps=6", cwd=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    ours, theirs = (torch.load(tmp_path / run / "checkpoints" / "last.ckpt", weights_only=True) for run in ("half", "whole"))
    for part in ("state_dict", "optimizer_states", "lr_schedulers", "global_step"):
        assert_equal(ours[part], theirs[part])
    results = [(tmp_path / run / "metrics.json").read_text() for run in ("half", "whole")]
    assert results[0] == results[1]
