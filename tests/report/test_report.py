"""report.py on a real small sweep: numbers and files."""

import json
import re
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import sr
from sr.image.file import read_rgb8
from sr.report.make import report
from tests.jobs import SMALL, call
from tests.report.study import NAMES, QUICK, metrics, photos, pictures, run_of


@pytest.mark.slow
def test_the_command_lines(tmp_path):
    words = [word for word in SMALL if "n_feats" not in word]
    sweep = ["-m", *words, *photos(tmp_path), "network.n_feats=6,8", "seed=0,1", "output_dir=sweep"]
    done = call("train.py", *sweep, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = call("report.py", "runs=sweep", "output=out", "strips=1", "latency=24", "metric=ssim", "device=cpu", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("out/report.html") and "| network.n_feats-8 | 2 " in done.stdout
    done = call("report.py", "runs=none", "output=other", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "error: runs=none: no such folder or pattern\n")
    done = call("report.py", "runs=sweep", "output=out", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1) and "overwrite=true" in done.stderr
    assert "blind vote" in call("report.py", "--help", cwd=tmp_path).stdout


def test_the_tables_are_the_runs_metrics(study, made):
    lines = (made / "table.md").read_text().splitlines()
    for name in ("network.n_feats-6", "network.n_feats-8"):
        runs = metrics(study, name)
        row = [
            cell.strip().replace("*", "") for cell in next(line for line in lines if line.startswith(f"| {name} ")).split("|")
        ]
        assert row[2] == "2" and row[3].split()[0] == f"{np.mean([run['psnr'] for run in runs]):.2f}"
        low, high = map(float, re.findall(r"\[(.+), (.+)\]", row[3])[0])
        assert low < float(row[3].split()[0]) < high
    numbers = json.loads((made / "report.json").read_text())
    gap = np.mean([a["psnr"] - b["psnr"] for a, b in zip(*(metrics(study, f"n_feats-{n}") for n in (8, 6)), strict=True)])
    assert numbers["differences"]["network.n_feats-8"]["folder"]["mean"] == pytest.approx(gap)
    recorded = metrics(study, "n_feats-6")[0]["bicubic"]
    for metric in ("psnr", "ssim"):
        assert numbers["scores"]["bicubic"]["folder"][metric]["mean"] == pytest.approx(recorded[metric], abs=1e-3)
    assert all(one["high"] <= 1 for scores in numbers["scores"].values() if (one := scores["folder"]["ssim"]))
    assert numbers["baseline"] == "network.n_feats-6" and numbers["comparisons"] == 2
    assert numbers["config"] == {"network.n_feats": {"network.n_feats-6": "6", "network.n_feats-8": "8"}}
    assert numbers["costs"]["network.n_feats-6"]["timing"]["seconds"] > 0 and numbers["costs"]["bicubic"]["parameters"] == 0
    network = sr.load(next(study.glob("*n_feats-8_seed-0/checkpoints/best.ckpt")))
    assert numbers["costs"]["network.n_feats-8"]["parameters"] == sum(p.numel() for p in network.parameters())


def test_plots_are_files_of_both_kinds(made):
    names = {"differences", "pareto", "curves"}
    assert {file.name for file in made.iterdir()} == {
        *(f"{name}.{kind}" for name in names for kind in ("svg", "png")), "report.html", "report.json", "table.md"
    }  # fmt: skip
    for name in names:
        with PIL.Image.open(made / f"{name}.png") as picture:
            assert picture.width > 900
        assert (made / f"{name}.svg").read_text().rstrip().endswith("</svg>")


def test_the_page_needs_nothing_else_and_names_are_text(made):
    text = (made / "report.html").read_text()
    assert "Do &lt;b&gt;more&lt;/b&gt; features help?" in text
    bare = re.sub(r"data:image/webp;base64,[\w+/=]+", "data:", text)
    assert not re.search(r"https?:|@import|url\((?!#)|\{\{|<link|xmlns", bare)
    assert set(re.findall(r'(?:src|href)="([^"]*)"', bare)) <= {"data:", *re.findall(r'href="(#[\w-]+)"', bare)}
    ids = re.findall(r'\sid="([^"]+)"', bare)
    assert set(re.findall(r'href="#([^"]+)"', bare)) <= set(ids)


def test_the_strips_are_of_the_images_that_differ_most_and_without_loss(study, made):
    numbers = json.loads((made / "report.json").read_text())
    runs = {n: metrics(study, f"n_feats-{n}") for n in (6, 8)}
    means = {
        n: {image: np.mean([run["images"][image]["psnr"] for run in runs[n]]) for image in runs[n][0]["images"]} for n in runs
    }
    apart = sorted(means[6], key=lambda image: -abs(means[6][image] - means[8][image]))
    assert [strip["image"] for strip in numbers["strips"]] == apart[:2]
    top, left, height, width = numbers["strips"][0]["place"]
    shown = pictures(made / "report.html", 0)
    assert (
        shown["HR"] == read_rgb8(study.parent / "photos" / f"{apart[0]}.png")[top : top + height, left : left + width]
    ).all()
    assert all(picture.shape == shown["HR"].shape for picture in shown.values())
    errors = {name: ((shown[name].astype(float) - shown["HR"]) ** 2).mean() for name in NAMES[:-1]}
    assert 0 < errors["bicubic"] < min(errors["network.n_feats-6"], errors["network.n_feats-8"])  # after eight steps


def test_variants_that_are_named_are_those(copy, tmp_path):
    for feats, seed, name in ((6, 0, "baseline"), (6, 1, "baseline"), (8, 0, "wide"), (8, 1, "wide <i>")):
        file = run_of(copy, feats, seed) / "run.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"study": "width", "variant": name}))
    report([str(copy)], tmp_path / "out", **QUICK)
    numbers = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (numbers["title"], numbers["baseline"]) == ("width", "baseline")
    assert set(numbers["scores"]) == {"bicubic", "baseline", "wide", "wide <i>"}
    for gap in (numbers["differences"][name]["folder"] for name in ("wide", "wide <i>")):
        assert gap["p"] >= 2 / 2**3  # three images
    assert any(note.startswith("folder has 3 images: p cannot be below 0.25, ") for note in numbers["notes"])
    note = (tmp_path / "out" / "table.md").read_text()
    assert "sign-flip test on the differences of the images, with all ways to choose their signs (folder, n = 3)" in note
    assert "<i>" not in (tmp_path / "out" / "report.html").read_text().replace("<i></i>", "")


def test_what_cannot_be_is_said_in_one_line(copy, tmp_path):
    def refused(message: str, sources: list[str], output: Path = tmp_path / "out", **options: object) -> None:
        with pytest.raises((ValueError, OSError), match=message) as caught:
            report(sources, output, **(QUICK | options))
        assert "\n" not in str(caught.value) and not (tmp_path / "out").exists()

    runs = [str(copy)]
    refused("runs=.*none: no such folder or pattern", [str(tmp_path / "none")])
    (tmp_path / "empty").mkdir()
    refused("no run folder in it", [str(tmp_path / "empty")])
    refused("unknown baseline 'x': choose one of bicubic, network.n_feats-6", runs, baseline="x")
    refused("metric=lpips: not measured in all runs; choose one of psnr", runs, metric="lpips")
    refused("at least 1000", runs, draws=10)
    refused("strips=1.5: .* whole number of at least 0", runs, strips=1.5)
    refused("latency=wide: .* whole number of at least 8 .or null.", runs, latency="wide")
    refused("seed=-1: .* whole number of at least 0", runs, seed=-1)
    refused("missing option: pass runs=FOLDER", [])
    refused("is a file: pass a folder", runs, output=run_of(copy, 6, 0) / "run.json")
    (tmp_path / "votes.json").write_text("nonsense")
    refused("votes.json: not JSON", runs, vote_files=[str(tmp_path / "votes.json")])
    for file in copy.glob("*/metrics.json"):
        file.unlink()
    refused("none of 4 runs has results; .*: unfinished: no metrics.json", runs)


def test_a_report_is_not_written_over(made, study):
    with pytest.raises(ValueError, match="report.html already exists: pass overwrite=true"):
        report([str(study)], made, **QUICK)
