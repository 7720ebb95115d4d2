"""A small sweep, its report, and a copy to spoil."""

import shutil
from itertools import product
from pathlib import Path

import pytest

from sr.cli.report import report as run_report
from tests.jobs import compose, run_train
from tests.report.study import photos


@pytest.fixture(scope="session")
def study(once) -> Path:
    """Real runs: two variants, two seeds."""

    def train(folder: Path) -> None:
        words = [*photos(folder), "trainer.limit_test_batches=3"]
        for feats, seed in product((6, 8), (0, 1)):
            name = f"network.n_feats-{feats}_seed-{seed}"
            run_train(*words, f"network.n_feats={feats}", f"seed={seed}", f"output_dir={folder}/sweep/{name}")

    return once("study", train)[0] / "sweep"


@pytest.fixture(scope="session")
def made(study, once) -> Path:
    """Their report."""
    words = [f"runs={study}", "strips=2", "crop=160", "latency=24", "device=cpu", 'question="Do <b>more</b> features help?"']
    return once("report", lambda folder: run_report(compose("report", *words, f"output={folder}/made")))[0] / "made"


@pytest.fixture
def copy(study, tmp_path) -> Path:
    """The sweep, to be spoilt; without checkpoints."""
    shutil.copytree(study, tmp_path / "sweep", ignore=shutil.ignore_patterns("checkpoints", "images"))
    return tmp_path / "sweep"
