"""Results as text."""

import json

import pytest

from sr.metric.niqe import NIQE
from sr.metric.record import records
from sr.view.line import metrics_line
from sr.view.table import comparison, markdown, write_metrics
from tests.jobs import compose

RESULTS = {
    "set5": {
        "psnr": 36.987,
        "ssim": 0.95456,
        "bicubic": {"psnr": 33.674, "ssim": 0.93034},
        "images": {"baby": {"psnr": 38.5}, "bird": {"psnr": 41.0}},
    },
    "b100": {"psnr": 20.0, "ssim": 0.5, "bicubic": {"psnr": 29.55, "ssim": 0.8433}, "images": {"a": {"psnr": 20.0}}},
}


def test_comparison():
    assert comparison(RESULTS, "EDSR").splitlines() == [
        "| benchmark |            | psnr  | ssim    |",
        "|-----------|------------|-------|---------|",
        "| set5 (2)  | bicubic    | 33.67 | 0.9303  |",
        "|           | EDSR       | 36.99 | 0.9546  |",
        "|           | difference | +3.31 | +0.0242 |",
        "| b100 (1)  | bicubic    | 29.55 | 0.8433  |",
        "|           | EDSR       | 20.00 | 0.5000  |",
        "|           | difference | -9.55 | -0.3433 |",
    ]


def test_what_is_better_lower_has_an_arrow_and_how_it_was_measured_stands_below():
    results = {"set5": {"niqe": 5.25, "bicubic": {"niqe": 7.5}, "images": {"baby": {"niqe": 5.25}}}}
    table = comparison(results, "EDSR", "gray", records({"niqe": NIQE(crop_border=4)}))
    assert table.splitlines()[0] == "| benchmark |            | niqe (gray) ↓ |"
    assert table.splitlines()[-2:] == ["", f"{metrics_line(records({'niqe': NIQE(crop_border=4)}))}"]


def test_the_pipeline_that_made_lr_is_below():
    record = {"pipeline": "realesrgan", "seed": 0, "images": 100, "hash": "69992e55fad1", "target": "HR as in the file"}
    lines = comparison({"b100": RESULTS["b100"] | {"degraded": record}}, "EDSR", scale=1).splitlines()
    said = "b100: LR made by realesrgan, seed 0, of 100 images (hash 69992e55fad1); scored against HR as in the file"
    assert len(lines) == 7 and lines[2].startswith("| b100 (1)  | input ") and lines[-1] == said


def test_clips_are_called_clips():
    record = {"pipeline": "bicubic", "seed": 0, "images": 7, "hash": "69992e55fad1", "target": "all frames"}
    lines = comparison({"vid4": RESULTS["b100"] | {"frames": {"city": {}}, "degraded": record}}, "EDSR").splitlines()
    assert lines[2].startswith("| vid4 (1 clip) | bicubic ") and "of 7 frames or films (hash" in lines[-1]


def test_comparison_of_nothing():
    assert comparison({}, "EDSR") == "nothing was tested"


def test_markdown_wants_rows_of_one_length():
    assert markdown([["a", "bc"], ["def", "g"]]) == "| a   | bc |\n|-----|----|\n| def | g  |"
    with pytest.raises((ValueError, IndexError)):
        markdown([["a", "b"], ["c"]])


def test_metrics_json_is_replaced_whole(tmp_path):
    file = write_metrics({"old": {}}, tmp_path / "new")
    write_metrics(RESULTS, tmp_path / "new")
    assert json.loads(file.read_text()) == RESULTS
    assert [path.name for path in file.parent.iterdir()] == ["metrics.json"]


def test_a_test_does_not_replace_the_numbers_of_a_run(tmp_path):
    """report.py would take them for the run's."""
    from sr.cli.test import test

    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(ValueError, match="is the folder of a run, whose metrics.json would be overwritten: choose another"):
        test(compose("test", "ckpt=none.ckpt", f"output_dir={tmp_path}"))
