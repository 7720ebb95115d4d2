"""Real processes over gloo: neither results nor batches depend on their number."""

import json

import pytest

from tests.jobs import call


@pytest.mark.slow
def test_results_are_the_same_on_1_2_and_4_processes(tmp_path):
    """Three photos: on two processes the shares differ in size, on four there is one image too few."""
    words = ("network=interpolation_bicubic", "scale=2", "ckpt=null", "benchmark=[sample]", "trainer.accelerator=cpu")
    results = []
    for processes in (1, 2, 4):
        done = call("test.py", *words, f"trainer.devices={processes}", f"output_dir=on{processes}", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        results.append(json.loads((tmp_path / f"on{processes}" / "metrics.json").read_text()))
    assert results[0] == results[1] == results[2]
    assert len(results[0]["sample"]["images"]) == 3
