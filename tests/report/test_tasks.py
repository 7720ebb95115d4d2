"""Runs that were measured on LR of several degradations: a table for each, and none that compares across."""

import json
from pathlib import Path

import pytest
import yaml

from sr.callback.wandb import summary
from sr.report.make import report
from tests.report.study import QUICK, numbers_of

HASHES = {"realesrgan": "69992e55fad1", "bsrgan": "0123456789ab"}


def run(folder: Path, name: str, psnr: float, scale: int = 4, made: str | None = None, sets: tuple[str, ...] = ()) -> None:
    """A run folder as train.py leaves it, with the scores of two images on `sets`, and on `degraded` made by `made`."""
    results = {}
    for one in (*sets, *(["degraded"] if made else [])):
        images = {image: {"psnr": psnr + shift} for image, shift in (("a", -1.0), ("b", 1.5))}
        results[one] = {"psnr": psnr + 0.25, "bicubic": {"psnr": 20.0}, "images": images}
    if made:
        record = {"pipeline": made, "seed": 0, "images": 2, "hash": HASHES[made], "target": "HR as in the file"}
        results["degraded"]["degraded"] = record
    (folder / name).mkdir(parents=True)
    (folder / name / "config.yaml").write_text(yaml.safe_dump({"scale": scale, "seed": 0, "variant": name}))
    (folder / name / "metrics.json").write_text(json.dumps(results))


def test_each_degradation_has_a_table_beside_the_common_set(tmp_path):
    for name, psnr, made in (("a", 25.0, "realesrgan"), ("b", 26.0, "realesrgan"), ("c", 30.0, "bsrgan")):
        run(tmp_path / "runs", name, psnr, made=made, sets=("set5",))
    text = report([str(tmp_path / "runs")], tmp_path / "out", **QUICK)
    numbers = numbers_of(tmp_path / "out")
    assert list(numbers["sets"]) == ["set5"] and set(numbers["scores"]) == {"bicubic", "a", "b", "c"}
    both, alone = numbers["tasks"]
    assert both["title"] == "2 runs on degraded/realesrgan, hash 69992e55fad1" and set(both["rows"]) == {"bicubic", "a", "b"}
    assert alone["title"] == "1 run on degraded/bsrgan, hash 0123456789ab" and set(alone["rows"]) == {"bicubic", "c"}
    assert both["rows"]["b"][1].startswith("**26.25**") and both["rows"]["b"][2].startswith("+1.00")
    assert f"**{both['title']}**" in text and "degraded: LR made by bsrgan, seed 0, of 2 images (hash 0123456789ab)" in text
    assert f"<h3>{alone['title']}</h3>" in (tmp_path / "out" / "report.html").read_text()


def test_without_a_common_set_each_degradation_has_a_report(tmp_path):
    for name, psnr, made in (("a", 25.0, "realesrgan"), ("b", 26.0, "realesrgan"), ("c", 30.0, "bsrgan")):
        run(tmp_path / "runs", name, psnr, made=made)
    text = report([str(tmp_path / "runs")], tmp_path / "out", **QUICK)
    assert "## ×4, 2 runs on degraded/realesrgan, hash 69992e55fad1" in text and "LR of different degradations" in text
    folders = [f"x4_{made}-{code}" for made, code in HASHES.items()]
    pages = (tmp_path / "out" / "report.html").read_text()
    assert all(f'href="{folder}/report.html"' in pages for folder in folders)
    assert [set(numbers_of(tmp_path / "out" / folder)["scores"]) for folder in folders] == [
        {"bicubic", "a", "b"}, {"bicubic", "c"}
    ]  # fmt: skip


@pytest.mark.parametrize("scale, plain", [(1, "input"), (2, "bicubic")])
def test_at_scale_1_the_baseline_is_the_input(tmp_path, scale, plain):
    for name, psnr in (("a", 25.0), ("b", 26.0)):
        run(tmp_path / "runs", name, psnr, scale, sets=("noisy",))
    text = report([str(tmp_path / "runs")], tmp_path / "out", baseline="bicubic", **QUICK)
    numbers = numbers_of(tmp_path / "out")
    assert numbers["baseline"] == plain and set(numbers["scores"]) == {plain, "a", "b"}
    assert numbers["differences"]["a"]["noisy"]["mean"] == pytest.approx(5.25)
    page = (tmp_path / "out" / "report.html").read_text().partition("<script")[0]  # scripts know both
    assert [plain in one for one in (text, page)] == [True, True] and ("icubic" in text + page) == (scale == 2)


def test_wandb_has_the_same_name():
    scores = {"psnr": 26.0, "bicubic": {"psnr": 20.0}}
    assert summary("noisy", scores, ["psnr"], 1) == {"best/noisy/psnr": 26.0, "input/noisy/psnr": 20.0}
    assert summary("set5", scores, ["psnr"], 2) == {"best/set5/psnr": 26.0, "bicubic/set5/psnr": 20.0}
