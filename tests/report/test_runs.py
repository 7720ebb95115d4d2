"""report.py on runs that are not done, damaged, or measured in other ways."""

import json
import shutil

import numpy as np
import pytest

from sr.report.make import report
from sr.report.runs import Run, find
from sr.report.variants import differences, group
from tests.report.study import NAMES, QUICK, content_of, metrics, numbers_of, run_of, spoil


def test_runs_that_are_not_done_are_listed(copy, tmp_path):
    killed, broken = run_of(copy, 8, 1), run_of(copy, 6, 1)
    facts = json.loads((killed / "run.json").read_text())
    (killed / "run.json").write_text(json.dumps(facts | {"status": "running"}))
    (killed / "metrics.json").unlink()
    content = (broken / "metrics.json").read_text()
    (broken / "metrics.json").write_text(content[: len(content) // 2])
    text = report([str(copy)], tmp_path / "out", **QUICK)
    assert f"- Not included: {killed} (running (or killed))." in text
    assert f"- Not included: {broken} (metrics.json: not JSON, or truncated)." in text
    assert (
        "| network.n_feats-8 | 1 " in text
        and "No pictures and no timing without a checkpoint: network.n_feats-6, network.n_feats-8." in text
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
        ("run.json", {"status": 3}, "run.json: invalid value of status"),
        ("run.json", {"parameters": "many"}, "run.json: invalid value of parameters"),
        ("run.json", {"training": {"seconds": float("nan"), "steps": float("inf")}}, None),
        ("config.yaml", {"scale": [2]}, "config.yaml: invalid value of scale"),
        ("metrics.json", {"folder": {"images": {}}}, "metrics.json: no images of folder"),
        ("metrics.csv", b"step,val/psnr\xff\n4,\xff", None),
        ("metrics.csv", b'"' + 200_000 * b"a", None),
    ],
)
def test_one_damaged_run_does_not_stop_a_report(copy, tmp_path, name, change, message):
    file = run_of(copy, 6, 1) / name
    file.write_bytes(change if isinstance(change, bytes) else json.dumps(content_of(file) | change).encode())
    text = report([str(copy)], tmp_path / "out", **(QUICK | {"baseline": "network.n_feats-8"}))
    assert ("Not included" in text) == (message is not None) and (message or "") in text


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
    assert "folder: compared on the 2 of 3 images that all runs measured." in text
    assert "extra is left out: 3 of 4 runs did not measure it" in text
    scores = json.loads((tmp_path / "out" / "report.json").read_text())["scores"]["network.n_feats-6"]["folder"]["ssim"]["mean"]
    expected = [
        run["images"][image]["ssim"] for run in metrics(copy, "n_feats-6") for image in run["images"] if image != left_out
    ]
    assert scores == pytest.approx(np.mean(expected))


def test_scales_are_never_compared(copy, tmp_path):
    """Two scales: a report for each, without a difference, rank or front across; a failed run is listed once."""
    for seed in (0, 1):
        spoil(run_of(copy, 8, seed), "config.yaml", scale=3)
    text = report([str(copy)], tmp_path / "out", baseline="network.n_feats-6", **QUICK)
    assert "numbers cannot be compared" in text and text.index("## ×2") < text.index("## ×3")
    two, three = (numbers_of(tmp_path / "out" / name) for name in ("x2", "x3"))
    assert set(two["ranking"]) == {"bicubic", "network.n_feats-6"} and two["baseline"] == "network.n_feats-6"
    assert "network.n_feats-6" not in three["scores"] and three["baseline"] == "bicubic"
    assert any("the requested baseline network.n_feats-6" in note for note in three["notes"])
    assert len(two["runs"]) == len(three["runs"]) == 2
    page = (tmp_path / "out" / "report.html").read_text()
    assert 'href="x2/report.html"' in page and 'href="x3/report.html"' in page
    assert not (tmp_path / "out" / "report.json").exists()
    votes = tmp_path / "votes.json"
    votes.write_text(json.dumps({"format": "sr-votes-1", "votes": []} | {"votes": [
        {"left": "bicubic", "right": "network.n_feats-6", "choice": "left", "picture": "a"}
    ]}))  # fmt: skip
    with pytest.raises(ValueError, match="votes=... needs runs of one scale"):
        report([str(copy)], tmp_path / "voted", vote_files=[str(votes)], **QUICK)


def test_one_name_for_other_images_is_no_common_set(copy, tmp_path):
    """Both runs call it `folder`, with the same names of images; bicubic's score tells that the pixels differ."""
    run = run_of(copy, 8, 0)
    content = content_of(run / "metrics.json")
    content["folder"]["bicubic"]["psnr"] += 0.5
    content["same"] = content_of(run_of(copy, 6, 0) / "metrics.json")["folder"]
    spoil(run, "metrics.json", **content)
    for feats, seed in ((6, 0), (6, 1), (8, 1)):
        spoil(run_of(copy, feats, seed), "metrics.json", same=content["same"])
    text = report([str(copy)], tmp_path / "out", **QUICK)
    assert "folder is left out: its images differ between runs; bicubic has psnr" in text
    assert list(numbers_of(tmp_path / "out")["sets"]) == ["same"]


def test_a_metric_with_other_options_is_another_metric(copy, tmp_path):
    for seed in (0, 1):
        run = run_of(copy, 8, seed)
        config = content_of(run / "config.yaml")
        config["metric"]["psnr"]["crop_border"] = 0
        spoil(run, "config.yaml", metric=config["metric"])
        config = content_of(run_of(copy, 6, seed) / "config.yaml")
        config["metric"]["ssim"]["crop_border"] = 2  # what ${scale} is: nothing else
        spoil(run_of(copy, 6, seed), "config.yaml", metric=config["metric"])
    with pytest.raises(ValueError, match="metric=psnr: .* choose one of ssim. psnr is left out: its options differ between"):
        report([str(copy)], tmp_path / "out", metric="psnr", **QUICK)
    report([str(copy)], tmp_path / "out", metric="ssim", **QUICK)
    assert all("psnr" not in scores["folder"] for scores in numbers_of(tmp_path / "out")["scores"].values())


def test_a_run_twice_is_one_run(copy, tmp_path):
    """A seed that was run again, and a folder that is named twice: the same numbers twice are no second seed."""
    again = copy / "again" / run_of(copy, 6, 0).name
    shutil.copytree(run_of(copy, 6, 0), again)
    spoil(again, "run.json", finished="2999-01-01T00:00:00+00:00")
    text = report([str(copy), f"{copy}/../{copy.name}/again", str(again)], tmp_path / "out", **QUICK)
    assert len(numbers_of(tmp_path / "out")["runs"]) == 5
    assert f"Not included: {run_of(copy, 6, 0)}, because {again} is a later run of network.n_feats-6 with seed 0." in text
    assert "| network.n_feats-6 | 2 " in text


def test_lower_is_better_as_the_run_recorded_it(copy, tmp_path):
    """A metric of a class that this project does not have."""
    for run in copy.iterdir():
        content = content_of(run / "metrics.json")
        for scores in [content["folder"], content["folder"]["bicubic"], *content["folder"]["images"].values()]:
            scores["error"] = -scores["psnr"]
        spoil(run, "metrics.json", **content)
    report([str(copy)], tmp_path / "guessed", metric="error", **QUICK)
    assert any("higher is better for error; assuming it is" in note for note in numbers_of(tmp_path / "guessed")["notes"])
    for run in copy.iterdir():
        spoil(run, "run.json", higher_is_better={"psnr": True, "ssim": True, "error": False})
    report([str(copy)], tmp_path / "out", metric="error", **QUICK)
    report([str(copy)], tmp_path / "psnr", **QUICK)
    assert numbers_of(tmp_path / "out")["ranking"] == numbers_of(tmp_path / "psnr")["ranking"]


@pytest.mark.slow
def test_curves_are_of_the_same_sets_and_losses(copy, tmp_path):
    text = report([str(copy)], tmp_path / "out", **(QUICK | {"plots": True}))
    assert "No curves" not in text and "Curves of" not in text
    for seed in (0, 1):
        run = run_of(copy, 8, seed)
        config = content_of(run / "config.yaml")
        config["validation"]["other"] = config["benchmark"]["folder"]
        config["loss"]["l1"]["weight"] = 7.0
        spoil(run, "config.yaml", validation=config["validation"], loss=config["loss"])
    text = report([str(copy)], tmp_path / "other", **(QUICK | {"plots": True}))
    assert "Validation curves show only split" in text and "No loss curves" in text


def test_bicubic_of_fewer_images_is_checked_by_a_whole_run(copy, tmp_path):
    """Two of three images are compared. A run of all three recorded the mean by which bicubic, made again, is checked."""
    file = run_of(copy, 8, 0) / "metrics.json"
    content = content_of(file)
    left_out = next(iter(content["folder"]["images"]))
    del content["folder"]["images"][left_out]
    file.write_text(json.dumps(content | {"folder": content["folder"] | {"bicubic": {}}}))
    report([str(copy)], tmp_path / "out", **QUICK)
    found = numbers_of(tmp_path / "out")["scores"]["bicubic"]["folder"]["psnr"]
    assert found["low"] is not None and abs(found["mean"] - content["folder"]["bicubic"]["psnr"]) > 0.01
    for run in copy.iterdir():
        other = content_of(run / "metrics.json")["folder"]
        other["bicubic"] = {metric: value + 0.5 for metric, value in other["bicubic"].items()}
        spoil(run, "metrics.json", folder=other)
    report([str(copy)], tmp_path / "spoilt", **QUICK)
    assert numbers_of(tmp_path / "spoilt")["scores"]["bicubic"]["folder"] == {}


@pytest.mark.parametrize(
    "folders, names",
    [
        (["0_model-espcn_seed-0", "1_model-espcn_seed-1", "2_model-edsr_baseline_seed-0"], ["espcn", "edsr_baseline"]),
        (["0_model-espcn_loss-l1-ssim", "1_network.n_feats-8"], ["espcn_l1-ssim", "network.n_feats-8"]),
        (["0_seed-0", "1_seed-1", "2_seed-2"], ["three"]),  # one variant, called by the sweep's folder
        (["my_model-a", "my_model-b"], ["my_model-a", "my_model-b"]),  # folders of one's own keep their names
    ],
)
def test_variants_of_a_sweep_are_called_by_what_differs(tmp_path, folders, names):
    runs = [
        Run(tmp_path / "three" / folder, config={"seed": at, "model": {"name": folder.split("seed")[0].lstrip("0123456789_")}})
        for at, folder in enumerate(folders)
    ]
    assert [variant.name for variant in group(runs)] == names
