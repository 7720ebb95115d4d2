"""Scores that were not measured alike are not compared, and the line below the table says how they were."""

from pathlib import Path

import pytest

from sr.metric.niqe import NIQE
from sr.metric.psnr import PSNR
from sr.metric.record import records
from sr.report.consistent import measured, other_measures
from sr.report.runs import Run

CONFIG = {"metric": {"niqe": {"_target_": "sr.metric.niqe.NIQE"}, "psnr": {"_target_": "sr.metric.psnr.PSNR"}}}


@pytest.fixture
def runs() -> list[Run]:
    """Two that measured alike, and one from before there were records."""
    metrics = {"psnr": PSNR(crop_border=2), "niqe": NIQE(crop_border=2)}
    facts = [{"metrics": records(metrics)}, {"metrics": records(metrics)}, {}]
    return [Run(Path(f"run{i}"), CONFIG, facts=one) for i, one in enumerate(facts)]


def test_runs_that_measured_alike_are_compared(runs):
    assert other_measures(runs, ["psnr", "niqe"]) == {}
    shown = runs[0].facts["metrics"]["niqe"]["weights"][:12]
    assert measured(runs, ["psnr", "niqe"]) == (
        f"Measured: psnr (version 1, y, border 2); niqe (version 1, y, border 2, weights {shown}). "
        "1 of 3 runs do not record it."
    )
    assert measured(runs[2:], ["psnr"]) == ""


@pytest.mark.parametrize("key, value", [("version", 2), ("weights", "0" * 64), ("library", "pyiqa 0.1.15"), ("seed", 1)])
def test_another_record_is_another_metric(runs, key, value):
    runs[1].facts["metrics"]["niqe"][key] = value
    why = f"niqe is left out: its records differ between run0 and run1 ({key})."
    assert other_measures(runs, ["psnr", "niqe"]) == {"niqe": why}
