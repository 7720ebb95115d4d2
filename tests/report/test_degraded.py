"""Runs that were measured on LR of two pipelines are not compared on it."""

from pathlib import Path

import pytest

from sr.errors import InputError
from sr.report.results import common
from sr.report.runs import Run

RECORD = {"pipeline": "realesrgan", "seed": 0, "images": 1, "hash": "69992e55fad1", "target": "HR as in the file"}


def run(name: str, sets: tuple[str, ...], record: dict | None) -> Run:
    scores = {one: {"baby": {"psnr": 25.0}} for one in sets}
    return Run(Path(name), {"scale": 4}, scores=scores, degraded={"degraded": record} if record else {})


def test_the_set_is_left_out_or_said():
    sets = ("degraded", "set5")
    found, _, notes = common([run("a", sets, RECORD), run("b", sets, dict(RECORD))])
    assert [*found] == ["degraded", "set5"] and notes[-1].startswith("degraded: LR made by realesrgan, seed 0, of 1 images (")
    other = RECORD | {"pipeline": "bsrgan", "hash": "0123456789ab"}
    found, _, notes = common([run("a", sets, RECORD), run("b", sets, RECORD), run("c", sets, other)])
    said = "degraded is left out: its LR was made in a by realesrgan (69992e55fad1) and in c by bsrgan (0123456789ab)"
    assert [*found] == ["set5"] and notes == [f"{said}, which are two tasks."]
    with pytest.raises(InputError, match="no measured images in common .* in b not by a degradation, which are two tasks"):
        common([run("a", ("degraded",), RECORD), run("b", ("degraded",), None)])
