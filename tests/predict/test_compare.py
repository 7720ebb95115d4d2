"""sr/predict/compare.py: pictures and scores of a page, and what is refused."""

import html
import json
import os
import re
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import sr
from sr.benchmark.pairs import Benchmark
from sr.cli.predict import predict
from sr.cli.test import test as run_test
from sr.errors import InputError
from sr.functional.resize import imresize
from sr.image.file import read_rgb8, to_pixels, to_tensor
from sr.image.kind import PHOTO
from sr.infer.upscaler import upscale
from sr.metric.psnr import PSNR
from sr.network.compact import Compact
from sr.network.interpolation import Interpolation
from sr.predict import compare
from tests.jobs import compose
from tests.predict.compared import BICUBIC, HEIGHT, WIDTH, noise


def rows(page: Path) -> dict[str, list[str]]:
    """Name -> cells of the page's first table."""
    table = page.read_text().split("<table>")[1].split("</table>")[0]
    found = re.findall(r'<tr data-picture="([^"]+)">(.*?)</tr>', table, re.DOTALL)
    return {html.unescape(name): re.findall(r"<td[^>]*>(.*?)</td>", cells) for name, cells in found}


def test_the_pictures_are_those_of_the_networks(page, pixels, weights):
    hr = to_tensor(read_rgb8(page.parent / "hr" / "butterfly.png"))[..., :HEIGHT, :WIDTH]
    lr = imresize(hr, 1 / 4, rounding=True)
    expected = {"LR": lr, "bicubic": imresize(lr, 4, rounding=True), "HR": hr}
    expected["IMDN_x4"] = upscale(sr.load(weights["IMDN_x4"]), lr)
    expected["fsrcnn_x4"] = upscale(sr.load(weights["fsrcnn_x4"], scale=4), lr)
    for name, picture in expected.items():
        difference = np.abs(pixels[name].astype(int) - to_pixels(picture))
        assert difference.max() <= (1 if name in weights else 0), name  # the last bit of a network may differ


def test_the_scores_are_those_of_the_benchmarks(page, weights, tmp_path):
    for name in ("IMDN_x4", "fsrcnn_x4"):
        words = [f"ckpt={weights[name]}", "benchmark=folder", f"benchmark.folder.hr={page.parent}/hr", "scale=4"]
        run_test(compose("test", "trainer.accelerator=cpu", *words, f"output_dir={tmp_path}/{name}"))
        scores = json.loads((tmp_path / name / "metrics.json").read_text())["folder"]
        for row, of in ((name, scores), ("bicubic", scores["bicubic"])):
            shown = [float(cell) for cell in rows(page)[row][:4]]
            expected = [of["psnr"], of["ssim"], of["psnr_rgb"], of["ssim_rgb"]]
            assert (np.abs(np.subtract(shown, expected)) < [0.0051, 0.000051, 0.0051, 0.000051]).all(), (shown, expected)
    assert rows(page)["HR"][:4] == [""] * 4
    assert float(rows(page)["LR"][0]) < float(rows(page)["bicubic"][0]) < float(rows(page)["IMDN_x4"][0])
    assert rows(page)["LR"][4] == f"{WIDTH // 4} × {HEIGHT // 4}"


def test_the_page_needs_nothing_else(page):
    text = re.sub(r"data:image/webp;base64,[^<]+", "", page.read_text())
    assert not re.search(r"https?:|\bsrc=|\bhref=|@import|url\(|\{\{", text)
    assert [file.name for file in page.parent.iterdir() if file.suffix not in (".html", "")] == []  # no temporary file


@pytest.mark.parametrize(
    "sources, expected",
    [
        (["outputs/first/checkpoints/best.ckpt", "w/IMDN_x4.pth"], ["first", "IMDN_x4"]),
        (["a/checkpoints/best.ckpt", "a/checkpoints/last.ckpt", "b.pth"], ["a/best", "a/last", "b"]),
        (["x/y/net.pth", "x/z/net.pth"], ["y/net", "z/net"]),
        (["1/a/net.pth", "2/a/net.pth"], ["1/a/net.pth", "2/a/net.pth"]),
        (["net.pth", "net.pth"], ["net.pth", "net.pth (2)"]),
        (["w/bicubic.pth", "HR"], ["w/bicubic", None]),
    ],
)
def test_names_are_short_and_different(sources, expected):
    names = compare.column_names(sources)
    assert len(set(names) | set(compare.RESERVED)) == len(names) + 3
    assert [name if want else None for name, want in zip(names, expected, strict=True)] == expected


def test_a_list_of_files_with_their_references(tmp_path):
    for name in ("a", "b"):
        for folder, side in (("hr", 32), ("lr", 16)):
            (tmp_path / name / folder).mkdir(parents=True)
            PIL.Image.new("RGB", (side, side)).save(tmp_path / name / folder / f"{name}.png")
    (tmp_path / "hr").mkdir()
    for name in ("a", "b"):
        (tmp_path / name / "hr" / f"{name}.png").rename(tmp_path / "hr" / f"{name}.png")
    files = [tmp_path / "a" / "lr" / "a.png", tmp_path / "b" / "lr"]
    assert compare.find_pairs(files, tmp_path / "hr", 2) == {
        tmp_path / name / "lr" / f"{name}.png": tmp_path / "hr" / f"{name}.png" for name in ("a", "b")
    }
    assert compare.find_pairs(files[:1], tmp_path / "hr" / "a.png", 2) == {files[0]: tmp_path / "hr" / "a.png"}


def test_a_reference_folder_and_a_broken_file(tmp_path, capsys):
    noise(tmp_path / "lr" / "ax2.png", 20, 15), noise(tmp_path / "hr" / "a.png", 41, 30)
    noise(tmp_path / "lr" / "b.png", 21, 16), noise(tmp_path / "hr" / "b.png", 42, 32)
    assert compare.compare_files(BICUBIC, tmp_path / "lr", tmp_path / "out", reference=tmp_path / "hr") == 0
    out = capsys.readouterr().out
    assert f"{tmp_path}/out/compare.html (2 images, " in out and "bicubic" in out
    assert "Mean of 2 images" in (tmp_path / "out" / "compare.html").read_text()
    noise(tmp_path / "lr" / "ax2.png", 20, 15).write_bytes((tmp_path / "lr" / "b.png").read_bytes()[:200])
    assert compare.compare_files(BICUBIC, tmp_path / "lr", tmp_path / "page.html") == 1
    assert f"{tmp_path}/lr/ax2.png" in capsys.readouterr().err


def test_a_name_that_is_no_utf_8(tmp_path):
    file = noise(tmp_path / os.fsdecode(b"a\xff.png"), 20, 15)
    assert compare.compare_files(BICUBIC, file, tmp_path / "page.html") == 0
    assert "<h2>a?.png</h2>" in (tmp_path / "page.html").read_text()


def test_names_of_files_are_text(tmp_path):
    file = noise(tmp_path / "<b>&amp; {{data}} <!--<script>.png", 20, 15)
    compare.compare_files([("<i><script>.pth", Interpolation(scale=2))], file, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert text.count("</script>") == 2 + 3 and "<b>" not in text and "<i>" not in text and "<!--" not in text
    data = json.loads(text.split('id="data">')[1].split("</script>")[0])
    assert data["files"][0]["name"] == file.name and data["networks"] == ["<i><script>"]


def test_networks_of_any_scale_at_a_scale_that_is_no_whole_number(tmp_path, capsys):
    """HR is cropped, LR made and the border cut as test.py does it."""
    file, network = noise(tmp_path / "hr.png", WIDTH, HEIGHT), Interpolation(scale=2, kernel="bilinear")
    fixed = Compact(scale=2, n_feats=4, n_blocks=1)
    options = {"degrade": True, "outscale": 3.7}
    with pytest.raises(InputError, match=r"^outscale=3.7: a.pth is for scale 2: remove outscale, or compare others$"):
        compare.compare_files([("a.pth", fixed)], file, tmp_path / "page.html", **options)
    with pytest.raises(InputError, match="^outscale=0.5: choose a factor of at least 1, such as 3.7$"):
        compare.compare_files([("a.pth", network)], file, tmp_path / "page.html", outscale=0.5)
    assert compare.compare_files([("a.pth", network)], file, tmp_path / "page.html", **options) == 0
    page = (tmp_path / "page.html").read_text()
    assert "LR 43 × 32, SR 159 × 118 (width × height), scale 3.7" in page and "4 pixels of border cut" in page
    benchmark = Benchmark("noise", tmp_path, 3.7)
    sample = {key: PHOTO.scaled(benchmark[0][key][None]) for key in ("lr", "hr")}
    expected = PSNR(crop_border=3.7)(network(sample["lr"], (118, 159)), sample["hr"]).item()
    assert f"| a       | {expected:.2f}" in capsys.readouterr().out


def test_what_cannot_be_is_said_in_one_line(tmp_path, monkeypatch):
    lr, hr = noise(tmp_path / "lr.png", 20, 15), noise(tmp_path / "hr.png", 44, 30)

    def refused(message: str, *args: object, **options: object) -> None:
        with pytest.raises((ValueError, OSError), match=message) as caught:
            compare.compare_files(*(args or (BICUBIC, lr, tmp_path / "page.html")), **options)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "page.html").exists()

    refused(r"expected 22x15|expected 15x22|sizes do not match", reference=hr)
    refused("with degrade=true the input is the reference: remove reference=", reference=hr, degrade=True)
    refused("tile=0", tile=0)
    refused("overlap=64 does not fit", tile=32, overlap=64)
    refused("no such file, or no readable images", BICUBIC, tmp_path / "none*.png", tmp_path / "page.html")
    refused("is one file, but input=.* has 2", BICUBIC, tmp_path / "*r.png", tmp_path / "page.html", reference=hr)
    refused("is a file other than .html", BICUBIC, lr, hr)
    refused("is a file other than .html", BICUBIC, lr, tmp_path / "new.png")
    refused("no network to compare", [], lr, tmp_path / "page.html")
    refused(
        "a.pth is for scale 2 and b.pth for scale 3", [("a.pth", BICUBIC[0][1]), ("b.pth", Interpolation(scale=3))], lr, "x"
    )
    (tmp_path / "compare.html").write_text("mine")
    refused("compare.html already exists: pass overwrite=true", BICUBIC, lr, tmp_path)
    monkeypatch.setattr(compare, "TOO_LARGE", 1000)
    refused("pass fewer or smaller files")
    monkeypatch.undo()
    monkeypatch.setattr(compare, "LARGE", 1000)
    with pytest.warns(UserWarning, match="slow to open: compare fewer or smaller files"):
        compare.compare_files(BICUBIC, lr, tmp_path, overwrite=True)


def test_networks_of_two_scales_and_other_settings_are_refused(weights, tmp_path):
    lr = noise(tmp_path / "lr.png", 20, 15)
    words = [f"ckpt=[{weights['IMDN_x2']},{weights['IMDN_x4']}]", f"input={lr}", f"output={tmp_path}/p.html", "device=cpu"]
    with pytest.raises(ValueError, match=r"IMDN_x2.pth is for scale 2 and .*IMDN_x4.pth for scale 4"):
        predict(compose("predict", *words, "compare=true"))
    for word in ("alpha=0", "format=png", "precision=bf16", "batch=4", "alpha_upscale=network"):
        with pytest.raises(ValueError, match=f"{word} cannot be combined with compare=true"):
            predict(compose("predict", *words, "compare=true", word))
