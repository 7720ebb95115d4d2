"""Scores of test.py beside those of training runs: a row for a network that was not trained in the study."""

import pytest

from sr.cli.test import test as run_test
from sr.errors import InputError
from sr.report.make import report
from tests.jobs import compose
from tests.report.study import QUICK, metrics, numbers_of, run_of


def test_a_tested_network_is_a_row(study, tmp_path):
    words = [f"ckpt={run_of(study, 6, 0)}/checkpoints/best.ckpt", "metric=[psnr,ssim]", "callback=[]"]
    run_test(compose("test", *words, "variant=alone", f"output_dir={tmp_path}/tested"))
    report([str(study), f"{tmp_path}/tested"], tmp_path / "out", **QUICK | {"strips": 1, "crop": 16}, baseline="alone")
    made = numbers_of(tmp_path / "out")
    own = made["scores"]["alone"]["folder"]
    recorded = metrics(study, "n_feats-6")[0]
    assert {name: own[name]["mean"] for name in own} == pytest.approx({name: recorded[name] for name in own})
    assert made["baseline"] == "alone" and made["comparisons"] == 3
    assert made["costs"]["alone"]["parameters"] == made["costs"]["network.n_feats-6"]["parameters"]
    assert made["strips"] and not any("record it" in note or "alone" in note and "picture" in note for note in made["notes"])


def test_a_name_is_of_one_network(tmp_path):
    with pytest.raises(InputError, match=r"^variant=a names a row of one network: remove it$"):
        run_test(compose("test", "published=bicubic_x4", "variant=a", f"output_dir={tmp_path}"))
