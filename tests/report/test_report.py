"""report.py on a real small sweep: numbers, files, what is wrong with runs, and the page in a headless Chromium."""

import base64
import json
import re
import shutil
import time
from io import BytesIO
from itertools import product
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import yaml

import sr
from report import report as run_report
from sr.data.source.sample import Sample
from sr.image.file import read_rgb8
from sr.report.make import report
from sr.report.runs import find
from sr.report.variants import differences, group
from tests.browser import started
from tests.jobs import SMALL, call, compose, run_train

NAMES = ["bicubic", "network.n_feats-6", "network.n_feats-8", "HR"]
QUICK = {"strips": 0, "latency": None, "draws": 1000}


def photos(folder: Path) -> list[str]:
    """Parts of three photos, and the words that measure a run on them."""
    (folder / "photos").mkdir()
    for file, _ in Sample(held_out=True).files():
        PIL.Image.open(file).convert("RGB").crop((60, 40, 252, 200)).save(folder / "photos" / f"{file.stem}.png")
    return ["metric=[psnr,ssim]", "benchmark=folder", f"benchmark.folder.hr={folder}/photos", f"data_dir={folder}/data"]


@pytest.fixture(scope="session")
def study(tmp_path_factory) -> Path:
    """Real runs: two variants, two seeds."""
    folder = tmp_path_factory.mktemp("study")
    words = [*photos(folder), "trainer.limit_test_batches=3"]
    for feats, seed in product((6, 8), (0, 1)):
        name = f"network.n_feats-{feats}_seed-{seed}"
        run_train(*words, f"network.n_feats={feats}", f"seed={seed}", f"output_dir={folder}/sweep/{name}")
    return folder / "sweep"


@pytest.fixture(scope="session")
def made(study) -> Path:
    """Their report."""
    words = [f"runs={study}", f"output={study.parent}/report", "strips=2", "crop=160", "latency=24", "device=cpu"]
    run_report(compose("report", *words, 'question="Do <b>more</b> features help?"'))
    return study.parent / "report"


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


def metrics(study: Path, variant: str) -> list[dict]:
    files = sorted(study.glob(f"*{variant}_seed-*/metrics.json"))
    assert len(files) == 2
    return [json.loads(file.read_text())["folder"] for file in files]


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


def pictures(page: Path, index: int) -> dict[str, np.ndarray]:
    found = re.findall(rf'id="picture-{index}-\d+"[^>]* src="data:image/webp;base64,([^"]+)"', page.read_text())
    assert len(found) == len(NAMES)
    return {name: np.array(PIL.Image.open(BytesIO(base64.b64decode(uri)))) for name, uri in zip(NAMES, found, strict=True)}


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


# -- what can be wrong with runs -----------------------------------------------------------------------------------------------


@pytest.fixture
def copy(study, tmp_path) -> Path:
    """The sweep, to be spoilt; without checkpoints."""
    shutil.copytree(study, tmp_path / "sweep", ignore=shutil.ignore_patterns("checkpoints", "images"))
    return tmp_path / "sweep"


def run_of(copy: Path, feats: int, seed: int) -> Path:
    return next(copy.glob(f"*n_feats-{feats}_seed-{seed}"))


def test_runs_that_are_not_done_are_listed(copy, tmp_path):
    killed, broken = run_of(copy, 8, 1), run_of(copy, 6, 1)
    facts = json.loads((killed / "run.json").read_text())
    (killed / "run.json").write_text(json.dumps(facts | {"status": "running"}))
    (killed / "metrics.json").unlink()
    content = (broken / "metrics.json").read_text()
    (broken / "metrics.json").write_text(content[: len(content) // 2])
    text = report([str(copy)], tmp_path / "out", **QUICK)
    assert f"- Not in the numbers: {killed}, running (or killed)." in text
    assert f"- Not in the numbers: {broken}, metrics.json: not JSON, or truncated." in text
    assert (
        "| network.n_feats-8 | 1 " in text
        and "No checkpoint, hence no pictures and no time: network.n_feats-6, network.n_feats-8." in text
    )
    page = (tmp_path / "out" / "report.html").read_text()
    assert "running (or killed)</td>" in page and '<section id="vote" hidden>' in page


def test_older_runs_have_blanks(copy, tmp_path):
    for file in copy.glob("*/run.json"):
        file.unlink()
    runs = find([str(copy)])
    assert [variant.name for variant in group(runs)] == NAMES[1:3] and [run.seed for run in runs] == [0, 1, 0, 1]
    assert list(differences(group(runs))) == ["network.n_feats"]
    assert "training" not in report([str(copy)], tmp_path / "out", **QUICK).split("| variant")[3].splitlines()[0]


@pytest.mark.parametrize(
    "name, change, message",
    [
        ("run.json", {"status": 3}, "run.json: not what a run writes into it: status"),
        ("run.json", {"parameters": "many"}, "run.json: not what a run writes into it: parameters"),
        ("run.json", {"training": {"seconds": float("nan"), "steps": float("inf")}}, None),
        ("config.yaml", {"scale": [2]}, "config.yaml: not what a run writes into it: scale"),
        ("metrics.json", {"folder": {"images": {}}}, "metrics.json: no images of folder"),
        ("metrics.csv", b"step,val/psnr\xff\n4,\xff", None),
        ("metrics.csv", b'"' + 200_000 * b"a", None),
    ],
)
def test_one_damaged_run_does_not_stop_a_report(copy, tmp_path, name, change, message):
    file = run_of(copy, 6, 1) / name
    file.write_bytes(change if isinstance(change, bytes) else json.dumps(_content(file) | change).encode())
    text = report([str(copy)], tmp_path / "out", **(QUICK | {"baseline": "network.n_feats-8"}))
    assert ("Not in the numbers" in text) == (message is not None) and (message or "") in text


def _content(file: Path) -> dict:
    return yaml.safe_load(file.read_text())  # JSON is YAML


def test_one_image_is_not_tested_whatever_the_seeds(copy, tmp_path):
    for file in copy.glob("*/metrics.json"):
        content = json.loads(file.read_text())
        images = content["folder"]["images"]
        content["folder"]["images"] = {name: images[name] for name in list(images)[:1]}
        file.write_text(json.dumps(content))
    report([str(copy)], tmp_path / "out", **QUICK)
    numbers = json.loads((tmp_path / "out" / "report.json").read_text())
    assert numbers["comparisons"] == 0 and numbers["differences"]["network.n_feats-8"]["folder"]["low"] is None


def test_only_common_images_are_compared(copy, tmp_path):
    file = run_of(copy, 8, 0) / "metrics.json"
    content = json.loads(file.read_text())
    left_out = list(content["folder"]["images"])[0]
    del content["folder"]["images"][left_out]
    content["extra"] = content["folder"]
    file.write_text(json.dumps(content))
    text = report([str(copy)], tmp_path / "out", metric="ssim", baseline="bicubic", **QUICK)
    assert "folder: compared on the 2 of 3 images that all runs were measured on." in text
    assert "extra is left out: 3 of 4 runs were not measured on it" in text
    scores = json.loads((tmp_path / "out" / "report.json").read_text())["scores"]["network.n_feats-6"]["folder"]["ssim"]["mean"]
    expected = [
        run["images"][image]["ssim"] for run in metrics(copy, "n_feats-6") for image in run["images"] if image != left_out
    ]
    assert scores == pytest.approx(np.mean(expected))


def spoil(run: Path, name: str, **changes: object) -> None:
    """Change top-level keys of a run's file."""
    file = run / name
    content = _content(file) | changes
    file.write_text(yaml.safe_dump(content) if name.endswith("yaml") else json.dumps(content))


def numbers_of(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text())


def test_scales_are_never_compared(copy, tmp_path):
    """Two scales: a report for each, without a difference, rank or front across; a failed run is listed once."""
    for seed in (0, 1):
        spoil(run_of(copy, 8, seed), "config.yaml", scale=3)
    text = report([str(copy)], tmp_path / "out", baseline="network.n_feats-6", **QUICK)
    assert "numbers cannot be compared" in text and text.index("## ×2") < text.index("## ×3")
    two, three = (numbers_of(tmp_path / "out" / name) for name in ("x2", "x3"))
    assert set(two["ranking"]) == {"bicubic", "network.n_feats-6"} and two["baseline"] == "network.n_feats-6"
    assert "network.n_feats-6" not in three["scores"] and three["baseline"] == "bicubic"
    assert any("network.n_feats-6, the baseline that was asked for" in note for note in three["notes"])
    assert len(two["runs"]) == len(three["runs"]) == 2
    page = (tmp_path / "out" / "report.html").read_text()
    assert 'href="x2/report.html"' in page and 'href="x3/report.html"' in page
    assert not (tmp_path / "out" / "report.json").exists()
    votes = tmp_path / "votes.json"
    votes.write_text(json.dumps({"format": "sr-votes-1", "votes": []} | {"votes": [
        {"left": "bicubic", "right": "network.n_feats-6", "choice": "left", "picture": "a"}
    ]}))  # fmt: skip
    with pytest.raises(ValueError, match="votes=... goes with runs of one scale"):
        report([str(copy)], tmp_path / "voted", vote_files=[str(votes)], **QUICK)


def test_one_name_for_other_images_is_no_common_set(copy, tmp_path):
    """Both runs call it `folder`, with the same names of images; bicubic's score tells that the pixels differ."""
    run = run_of(copy, 8, 0)
    content = _content(run / "metrics.json")
    content["folder"]["bicubic"]["psnr"] += 0.5
    content["same"] = _content(run_of(copy, 6, 0) / "metrics.json")["folder"]
    spoil(run, "metrics.json", **content)
    for feats, seed in ((6, 0), (6, 1), (8, 1)):
        spoil(run_of(copy, feats, seed), "metrics.json", same=content["same"])
    text = report([str(copy)], tmp_path / "out", **QUICK)
    assert "folder is left out: its images are not the same in all runs; bicubic has psnr" in text
    assert list(numbers_of(tmp_path / "out")["sets"]) == ["same"]


def test_a_metric_with_other_options_is_another_metric(copy, tmp_path):
    for seed in (0, 1):
        run = run_of(copy, 8, seed)
        config = _content(run / "config.yaml")
        config["metric"]["psnr"]["crop_border"] = 0
        spoil(run, "config.yaml", metric=config["metric"])
        config = _content(run_of(copy, 6, seed) / "config.yaml")
        config["metric"]["ssim"]["crop_border"] = 2  # what ${scale} is: nothing else
        spoil(run_of(copy, 6, seed), "config.yaml", metric=config["metric"])
    with pytest.raises(ValueError, match="metric=psnr: .* there are ssim. psnr is left out: its options are not those of"):
        report([str(copy)], tmp_path / "out", **QUICK)
    report([str(copy)], tmp_path / "out", metric="ssim", **QUICK)
    assert all("psnr" not in scores["folder"] for scores in numbers_of(tmp_path / "out")["scores"].values())


def test_a_run_twice_is_one_run(copy, tmp_path):
    """A seed that was run again, and a folder that is named twice: the same numbers twice are no second seed."""
    again = copy / "again" / run_of(copy, 6, 0).name
    shutil.copytree(run_of(copy, 6, 0), again)
    spoil(again, "run.json", finished="2999-01-01T00:00:00+00:00")
    text = report([str(copy), f"{copy}/../{copy.name}/again", str(again)], tmp_path / "out", **QUICK)
    assert len(numbers_of(tmp_path / "out")["runs"]) == 5
    assert f"{run_of(copy, 6, 0)}, {again} is a later run of network.n_feats-6, seed 0." in text
    assert "| network.n_feats-6 | 2 " in text


def test_lower_is_better_as_the_run_recorded_it(copy, tmp_path):
    """A metric of a class that this project does not have."""
    for run in copy.iterdir():
        content = _content(run / "metrics.json")
        for scores in [content["folder"], content["folder"]["bicubic"], *content["folder"]["images"].values()]:
            scores["error"] = -scores["psnr"]
        spoil(run, "metrics.json", **content)
    report([str(copy)], tmp_path / "guessed", metric="error", **QUICK)
    assert any("not recorded of error: it is taken to be" in note for note in numbers_of(tmp_path / "guessed")["notes"])
    for run in copy.iterdir():
        spoil(run, "run.json", higher_is_better={"psnr": True, "ssim": True, "error": False})
    report([str(copy)], tmp_path / "out", metric="error", **QUICK)
    report([str(copy)], tmp_path / "psnr", **QUICK)
    assert numbers_of(tmp_path / "out")["ranking"] == numbers_of(tmp_path / "psnr")["ranking"]


def test_curves_are_of_the_same_sets_and_losses(copy, tmp_path):
    text = report([str(copy)], tmp_path / "out", **QUICK)
    assert "No curves" not in text and "Curves of" not in text
    for seed in (0, 1):
        run = run_of(copy, 8, seed)
        config = _content(run / "config.yaml")
        config["validation"]["other"] = config["benchmark"]["folder"]
        config["loss"]["l1"]["weight"] = 7.0
        spoil(run, "config.yaml", validation=config["validation"], loss=config["loss"])
    text = report([str(copy)], tmp_path / "other", **QUICK)
    assert "Curves of the validation are of split alone" in text and "No curves of the loss" in text


def test_bicubic_of_fewer_images_is_checked_by_a_whole_run(copy, tmp_path):
    """Two of three images are compared. A run of all three recorded the mean by which bicubic, made again, is checked."""
    file = run_of(copy, 8, 0) / "metrics.json"
    content = _content(file)
    left_out = next(iter(content["folder"]["images"]))
    del content["folder"]["images"][left_out]
    file.write_text(json.dumps(content | {"folder": content["folder"] | {"bicubic": {}}}))
    report([str(copy)], tmp_path / "out", **QUICK)
    found = numbers_of(tmp_path / "out")["scores"]["bicubic"]["folder"]["psnr"]
    assert found["low"] is not None and abs(found["mean"] - content["folder"]["bicubic"]["psnr"]) > 0.01
    for run in copy.iterdir():
        other = _content(run / "metrics.json")["folder"]
        other["bicubic"] = {metric: value + 0.5 for metric, value in other["bicubic"].items()}
        spoil(run, "metrics.json", folder=other)
    report([str(copy)], tmp_path / "spoilt", **QUICK)
    assert numbers_of(tmp_path / "spoilt")["scores"]["bicubic"]["folder"] == {}


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
    assert any(note.startswith("folder has 3 images: no p there can be below 0.25, ") for note in numbers["notes"])
    note = (tmp_path / "out" / "table.md").read_text()
    assert "sign-flip test of the differences of the images, by all ways to choose their signs (folder, n = 3)" in note
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
    refused("baseline=x is none of the variants: bicubic, network.n_feats-6", runs, baseline="x")
    refused("metric=lpips: not measured in all runs; there are psnr", runs, metric="lpips")
    refused("at least 1000", runs, draws=10)
    refused("strips=1.5: .* whole number of at least 0", runs, strips=1.5)
    refused("latency=wide: .* whole number of at least 8 .or null.", runs, latency="wide")
    refused("seed=-1: .* whole number of at least 0", runs, seed=-1)
    refused("runs=.. names no run", [])
    refused("is a file: name a folder", runs, output=run_of(copy, 6, 0) / "run.json")
    (tmp_path / "votes.json").write_text("nonsense")
    refused("votes.json: not JSON", runs, vote_files=[str(tmp_path / "votes.json")])
    for file in copy.glob("*/metrics.json"):
        file.unlink()
    refused("none of 4 runs has results; .*: not done: there is no metrics.json", runs)


def test_a_report_is_not_written_over(made, study):
    with pytest.raises(ValueError, match="report.html is there already: pass overwrite=true"):
        report([str(study)], made, **QUICK)


# -- in a browser --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    yield from started(tmp_path_factory.mktemp("profile"))


@pytest.fixture
def page(browser, made):
    """The page, opened; without votes of another test."""
    browser.open(made / "report.html")
    browser.js("localStorage.clear()")
    browser.events.clear()
    browser.open(made / "report.html")
    return browser


def test_it_opens_offline_without_a_complaint(page):
    assert page.state()["ready"] == "true"
    bad = [event for event in page.events if event["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")]
    kinds = {e["params"]["request"]["url"].split(":")[0] for e in page.events if e["method"] == "Network.requestWillBeSent"}
    assert not bad and "file" in kinds and kinds <= {"file", "data", "about"}
    tree = page.do("Accessibility.getFullAXTree")["nodes"]
    controls = [node for node in tree if node["role"]["value"] in ("button", "combobox", "slider", "image", "img", "link")]
    assert len(controls) > 30 and all(node["name"]["value"].strip() for node in controls if not node.get("ignored"))
    assert page.js("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_keys_are_the_pages_until_the_viewer_is_entered(page):
    before = page.state()
    page.key("x")
    assert page.state()["left"] == before["left"]
    page.key("g")
    assert page.js("document.activeElement.id") == "slider"
    assert float(page.key("ArrowRight")["split"]) == pytest.approx(0.52)
    assert page.key("x")["left"] == before["right"]
    assert float(page.key("+")["zoom"]) > float(before["zoom"])
    assert page.key("?") and page.js("document.querySelector('#help').open")
    page.js("document.querySelector('#help').close()")


def test_a_picture_of_a_strip_opens_in_the_viewer(page):
    page.js("document.querySelectorAll('.strip')[1].querySelector('[data-name=HR]').click()")
    time.sleep(0.3)
    state = page.state()
    assert (state["file"], state["left"]) == ("1", "HR") and state["right"] != "HR"


def canvas(page, side: str) -> list[int]:
    """Its pixels."""
    return page.js(
        f"((c) => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data])(document.querySelector('#vote-{side}'))"
    )


def test_a_blind_vote_by_keys(page, made, study, tmp_path):
    """Whoever always prefers the one with more features must find it preferred in every pair: sides are told apart here."""
    data = json.loads(page.js("document.querySelector('#data').textContent"))
    all_pictures = [pictures(made / "report.html", index) for index in range(2)]

    def side_of(name: str) -> str:
        left = np.array(canvas(page, "left"), np.uint8).reshape(-1, 4)[:, :3]
        for shown in all_pictures:
            whole = shown[name]
            half = [n // 2 for n in whole.shape[:2]]
            for y in (0, half[0]):
                for x in (0, half[1]):
                    part = whole[y : y + half[0], x : x + half[1]].reshape(-1, 3)
                    if part.shape == left.shape and (part == left).all():
                        return "left"
        return "right"

    page.js("document.querySelector('#vote-a').value = 'network.n_feats-6'")
    page.js("document.querySelector('#vote-b').value = 'network.n_feats-8'")
    page.key("v")
    assert page.js("document.activeElement.id") == "begin"
    sides = []
    for _ in range(20):
        page.js("document.querySelector('#begin').click()")
        sides.append(side_of("network.n_feats-8"))
    assert set(sides) == {"left", "right"}  # by chance
    assert page.js("document.querySelector('#vote-progress').textContent") == "1 of 8"
    for _ in range(7):
        page.key("ArrowLeft" if side_of("network.n_feats-8") == "left" else "ArrowRight")
        assert page.js("document.querySelector('#tally').textContent") == ""  # nothing is told before the end
    assert page.key("Backspace")["votes"] == "6" and page.key("=")["votes"] == "7"
    page.key("h")
    assert page.js("document.querySelector('#vote-middle').hidden") is False
    page.key("ArrowLeft" if side_of("network.n_feats-8") == "left" else "ArrowRight")
    told = page.js("document.querySelector('#tally').textContent")
    assert told == "network.n_feats-6 preferred to network.n_feats-8 in 0 of 7, 0 % [0, 41]; 1 equal"

    page.open(made / "report.html")  # a reload forgets nothing
    assert page.state()["votes"] == "8" and page.js("document.querySelector('#tally').textContent") == told
    page.do("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    page.js("document.querySelector('#save-votes').click()")
    for _ in range(100):
        if saved := list(tmp_path.glob("votes-*.json")):
            break
        time.sleep(0.05)
    cast = json.loads(saved[0].read_text())["votes"]
    assert len(cast) == 8 and {vote["picture"] for vote in cast} == {file["name"] for file in data["files"]}
    text = report([str(study)], tmp_path / "voted", vote_files=[str(saved[0])], **QUICK)
    assert f"- {told}" in text


def test_it_prints_without_what_only_a_screen_can(page):
    page.do("Emulation.setEmulatedMedia", media="print")
    shown = page.js(
        "['.report nav', '.closer', '#vote', '.strip', '.plot', 'table', 'footer']"
        ".map((s) => getComputedStyle(document.querySelector(s)).display !== 'none')"
    )
    page.do("Emulation.setEmulatedMedia", media="")
    assert shown == [False, False, False, True, True, True, True]
    pdf = base64.b64decode(page.do("Page.printToPDF", preferCSSPageSize=True)["data"])
    assert pdf.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", pdf)) in range(2, 9)
