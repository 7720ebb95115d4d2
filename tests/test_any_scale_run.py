"""A network of any scale through the whole: trained over scales, resumed bit for bit, measured and used at any scale."""

import json
import math
from pathlib import Path

import pytest
import torch
from PIL import Image

from sr import build
from sr.cli.test import test as measure
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image.file import read_rgb8, to_pixels, to_tensor
from sr.image.photograph import photograph
from sr.infer.upscaler import Upscaler
from sr.metric.psnr import PSNR
from sr.network.compact import Compact
from sr.predict.files import predict_files
from sr.predict.size import remarks
from sr.report.make import report
from sr.weights import checkpoint
from sr.weights.load import load
from tests.jobs import SMALL, compose

LIIF = (
    *(word for word in SMALL if not word.startswith("network.")), "model=liif", "network=liif_small",
    "network.backbone.n_feats=8", "network.backbone.n_blocks=1", "network.hidden=[8,8]", "scale=2", "data.patch_size=12",
    "data.sample_pixels=40", "schedule=constant", "data=folder", "validation=[split_scales]", "validation.split_x2.size=1",
    "benchmark=folder", "metric=[psnr]", "callback=[checkpoint]", "logger=none", "trainer.val_check_interval=2",
    "trainer.max_steps=4",
)  # fmt: skip


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Four pieces of a photograph, 64x64."""
    folder, photo = tmp_path_factory.mktemp("photos"), photograph(128, 3)
    for n, (y, x) in enumerate(((0, 0), (0, 64), (64, 0), (64, 64))):
        Image.fromarray(to_pixels(photo[..., y : y + 64, x : x + 64])).save(folder / f"{n}.png")
    return folder


def run(folder: Path, photos: Path, *words: str, resume: Path | None = None):
    """Train; the last checkpoint, and the module."""
    own = [f"data.train={photos}", f"benchmark.folder.hr={photos}", f"data.cache_dir={photos}/cache", f"output_dir={folder}"]
    cfg = compose("train", *LIIF, *own, *words)
    build.seed(cfg)
    data, model = build.data(cfg), build.model(cfg)
    trainer = build.trainer(cfg, model)
    build.fit(trainer, model, data, resume=resume and str(resume))
    return checkpoint.read(folder / "checkpoints" / "last.ckpt"), trainer


@pytest.fixture(scope="module")
def trained(tmp_path_factory, photos):
    folder = tmp_path_factory.mktemp("run")
    made, trainer = run(folder, photos)
    return folder / "checkpoints" / "last.ckpt", made, dict(trainer.callback_metrics)


def test_resumed_bit_for_bit_and_validated_at_three_scales(tmp_path, photos, trained):
    _, whole, scores = trained
    run(tmp_path / "part", photos, "trainer.max_steps=2")
    part, _ = run(tmp_path / "rest", photos, resume=tmp_path / "part" / "checkpoints" / "last.ckpt")
    assert whole["global_step"] == part["global_step"] == 4
    assert all(torch.equal(value, part["state_dict"][key]) for key, value in whole["state_dict"].items())
    each = [scores[f"val/split_x{scale}/psnr"].item() for scale in (2, 3, 4)]
    assert len(set(each)) == 3 and scores["val/psnr"].item() == pytest.approx(sum(each) / 3)


def test_one_table_over_scales(tmp_path, photos, trained, capsys):
    """Scales that are no whole numbers, and beyond the training's range, which is said; bicubic's row at each scale."""
    folder = ["benchmark=folder", f"benchmark.folder.hr={photos}", "metric=[psnr]", f"output_dir={tmp_path}/test"]
    with pytest.warns(UserWarning, match="scale=5: LIIF was trained for 1 to 4; expect artefacts"):
        measure(compose("test", f"ckpt={trained[0]}", "scale=[2,2.5,5]", *folder))
    table = capsys.readouterr().out
    rows = [line for line in table.splitlines() if "bicubic" in line]
    assert [row.split("|")[1].strip() for row in rows] == ["folder x2 (4)", "folder x2.5 (4)", "folder x5 (4)"]
    assert "psnr (version 1, y, border [2, 3, 5])" in table
    network, total = load(trained[0]), 0.0
    for file in photos.glob("*.png"):
        hr = to_tensor(read_rgb8(file))[..., :62, :62]  # of 25 LR pixels
        lr = imresize(hr, size=(25, 25), rounding=True)
        with torch.no_grad():
            total += PSNR(crop_border=3)(network(lr, (62, 62)), hr).item() / 4
    found = json.loads((tmp_path / "test" / "metrics.json").read_text())
    assert found["folder x2.5"]["psnr"] == pytest.approx(total, abs=1e-4)
    assert len(list((tmp_path / "test").glob("x*/images/test/*.png"))) > 3
    for scales, line in (
        ("[]", r"scale=\[\]: pass numbers of at least 1, such as scale=\[2,3,4,6,8\]"),
        ("[2,0]", r"scale=\[2, 0\]: pass"),
        ("[2,2]", "pass each scale once"),
        ("0", "scale=0: pass a number of at least 1, such as 2 or 3.7, or a list of them"),
    ):
        with pytest.raises(InputError, match=line):
            measure(compose("test", f"ckpt={trained[0]}", f"scale={scales}", *folder))


def test_the_layout_and_the_border_of_div2k(tmp_path, photos, trained):
    """LR files where DIV2K has them, made beyond; the score of the authors' calc_psnr."""
    folder = tmp_path / "DIV2K"
    for place in ("DIV2K_valid_HR", "DIV2K_valid_LR_bicubic/X2"):
        (folder / place).mkdir(parents=True)
    hr = read_rgb8(photos / "0.png")
    Image.fromarray(hr).save(folder / "DIV2K_valid_HR" / "0801.png")
    lr = imresize(to_tensor(hr), size=(32, 32), rounding=True)
    Image.fromarray(to_pixels(lr)).save(folder / "DIV2K_valid_LR_bicubic" / "X2" / "0801x2.png")
    words = ["benchmark=[div2k_val]", "metric=[psnr_div2k]", "callback=[]", f"data_dir={tmp_path}"]
    with pytest.warns(UserWarning, match="LR of 1 of 1 images is made by MATLAB's bicubic"):
        measure(compose("test", f"ckpt={trained[0]}", "scale=[2,3]", *words, f"output_dir={tmp_path}/test"))
    found = json.loads((tmp_path / "test" / "metrics.json").read_text())
    with torch.no_grad():
        made = to_pixels(load(trained[0])(lr, (64, 64)))
    theirs = ((made / 255 - hr / 255)[8:-8, 8:-8] ** 2).mean()  # shave = scale + 6
    assert found["div2k_val x2"]["psnr_div2k"] == pytest.approx(-10 * math.log10(theirs), abs=1e-3)
    assert json.loads((tmp_path / "test" / "metric_records.json").read_text())["psnr_div2k"]["crop_border"] == [8, 9]


@pytest.mark.slow
def test_a_row_of_a_report_at_every_scale(tmp_path, photos, trained):
    """One folder of a run for each scale, no whole numbers among them: a report for each, and a curve and table over all."""
    words = ["benchmark=folder", f"benchmark.folder.hr={photos}", "metric=[psnr]", "callback=[]", "variant=any"]
    measure(compose("test", f"ckpt={trained[0]}", "scale=[2,2.5]", *words, f"output_dir={tmp_path}/test"))
    options = {"strips": 1, "crop": 16, "latency": None, "draws": 1000}
    text = report([f"{tmp_path}/test"], tmp_path / "report", **options)
    found = json.loads((tmp_path / "test" / "metrics.json").read_text())
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[:4]]
    assert rows[0] == ["set", "scale", "bicubic", "any"]
    for row, scale in zip(rows[2:], ("2", "2.5"), strict=True):
        scores = found[f"folder x{scale}"]
        assert row == ["folder (4)", f"×{scale}", f"{scores['bicubic']['psnr']:.2f}", f"{scores['psnr']:.2f}"]
    assert (tmp_path / "report" / "scales.svg").is_file() and (tmp_path / "report" / "x2.5" / "report.html").is_file()
    assert "Gain over the scales" in (tmp_path / "report" / "report.html").read_text()


def test_a_size_of_the_result(tmp_path, photos, trained, capsys):
    network, photo = load(trained[0]), photos / "0.png"
    assert predict_files(network, [(photo, tmp_path / "a.png")], size="150x130", tile=40).written == 1
    lines = capsys.readouterr().err
    assert "64x64 pixels have another aspect ratio than size=150x130, so the result is stretched" in lines
    made, lr = read_rgb8(tmp_path / "a.png").astype(int), to_tensor(read_rgb8(photo))
    expected = to_pixels(Upscaler(network)(lr, (130, 150))).astype(int)
    assert made.shape == (130, 150, 3) and abs(made - expected).max() <= 1
    assert remarks(network, (64, 64), (320, 320)) == ["scale 5: LIIF was trained for 1 to 4; expect artefacts"]
    assert remarks(network, (301, 401), (1080, 1439)) == []


def test_a_network_of_one_scale_resizes_and_says_so(tmp_path, photos, capsys):
    network, photo = Compact(scale=2, n_feats=4, n_blocks=1).eval(), photos / "0.png"
    predict_files(network, [(photo, tmp_path / "a.png")], outscale=3.5)
    said = "Compact upscales by 2: its results are resized to"
    assert f"{said} outscale=3.5 by bicubic interpolation" in capsys.readouterr().out
    predict_files(network, [(photo, tmp_path / "b.png")], size="100x100")
    assert f"{said} size=100x100 by bicubic interpolation" in capsys.readouterr().out
    assert read_rgb8(tmp_path / "b.png").shape == (100, 100, 3)
    predict_files(network, [(photo, tmp_path / "c.png")], outscale=2)
    assert "resized" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "options, line",
    [
        ({"size": "1920x1080", "outscale": 2.0}, "size=1920x1080 and outscale=2.0 contradict each other: pass one of them"),
        ({"size": "1920"}, "size=1920: pass width x height in pixels, such as size=1920x1080"),
        ({"size": "0x20"}, "size=0x20: pass width"),
        ({"outscale": 0.0}, "outscale=0.0: choose a factor such as 3.5"),
    ],
)
def test_sizes_that_cannot_be(options, line):
    with pytest.raises(InputError, match=line):
        predict_files(Compact(scale=2, n_feats=4, n_blocks=1), [], **options)


def test_a_backbone_by_its_name():
    cfg = compose("train", *LIIF, "network.backbone=rdn", "data.train=x")
    built = build.network(cfg)
    assert type(built.encoder).__name__ == "RDN" and cfg.network.backbone.n_blocks == 16  # which the checkpoint keeps
    lines = {"srcnn": "SRCNN gives no features: pass network.backbone=compact", "compct": "not there; nearest: compact"}
    for name, line in lines.items():
        with pytest.raises(InputError, match=f"^network.backbone={name}: {line}"):
            build.network(compose("train", *LIIF, f"network.backbone={name}", "data.train=x"))


def test_a_network_of_one_scale_is_not_trained_over_scales(tmp_path, photos):
    words = [word for word in LIIF if not word.startswith("network")]
    own = [f"data.train={photos}", f"benchmark.folder.hr={photos}", f"data.cache_dir={photos}/cache", f"output_dir={tmp_path}"]
    cfg = compose("train", *words, *own, "network=espcn")
    data, model = build.data(cfg), build.model(cfg)
    with pytest.raises(InputError, match="data.scales: the network has one scale: pass network=liif"):
        build.fit(build.trainer(cfg, model), model, data)
