"""The command lines of bench/: they measure only when asked to, since what they measure is kept."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.jobs import ROOT, environment

HELPERS = {"checkout", "common", "kinds", "recipe"}  # imported by the others
SCRIPTS = sorted(file.stem for file in (ROOT / "bench").glob("*.py") if file.stem not in HELPERS)


def bench(script: str, *words: str, folder: Path) -> subprocess.CompletedProcess:
    own = environment(folder, SR_BENCH_RESULTS=str(folder / "results.jsonl"))
    line = [sys.executable, str(ROOT / "bench" / f"{script}.py"), *words]
    return subprocess.run(line, capture_output=True, text=True, cwd=folder, env=own, timeout=120)


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_help_is_printed_and_nothing_measured(script, tmp_path):
    done = bench(script, "--help", folder=tmp_path)
    assert done.returncode == 0 and len(done.stdout) > 40 and not done.stderr
    assert not (tmp_path / "results.jsonl").exists()


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_word_that_says_nothing_is_one_line(script, tmp_path):
    done = bench(script, "qick", folder=tmp_path)
    assert done.returncode and "Traceback" not in done.stderr and "qick" in done.stderr
    assert not (tmp_path / "results.jsonl").exists()
