"""The notebook runs from top to bottom in an empty folder."""

import json

import matplotlib
import numpy as np
import pytest

from tests.jobs import ROOT


@pytest.mark.medium
def test_every_cell_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SR_DATA", raising=False)
    matplotlib.use("Agg")
    cells = json.loads((ROOT / "docs" / "howto" / "python.ipynb").read_text())["cells"]
    names: dict[str, object] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    assert (tmp_path / "notebook" / "checkpoints" / "best.ckpt").is_file()
    enlarged, lr, degraded = (names[name] for name in ("enlarged", "lr", "degraded"))
    assert enlarged.shape == (lr.shape[0] * 2, lr.shape[1] * 2, 3) and degraded.shape == lr.shape
    assert not np.array_equal(degraded, lr) and names["batch"]["hr"].shape[-1] == 80
    matplotlib.pyplot.close("all")
