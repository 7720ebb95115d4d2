"""Whether a lower score is better is said everywhere, for every metric of conf/metric."""

import re

import numpy as np
import pytest
from hydra.utils import get_class
from matplotlib.figure import Figure
from omegaconf import OmegaConf

from sr.cli import check
from sr.errors import InputError
from sr.report.measured import directions
from sr.report.plots import _zoom
from sr.report.runs import Run
from sr.view.table import comparison
from tests.jobs import CONF

FILES = sorted((CONF / "metric").glob("*.yaml"))
NODES = {file.stem: OmegaConf.load(file)[file.stem] for file in FILES}
# The comment at the top, in one line.
TOLD = {file.stem: re.sub(r"\s*\n# ", " ", file.read_text().split(f"\n{file.stem}:")[0]).lower() for file in FILES}
LOWER = {name for name, text in TOLD.items() if "lower is better" in text}


def higher(name: str) -> bool:
    """What the class says; those of pyiqa ask the library, which is not here."""
    if name.startswith("pyiqa_"):
        return name not in LOWER
    return get_class(NODES[name]["_target_"]).higher_is_better


@pytest.mark.parametrize("name", NODES)
def test_the_file_the_class_the_table_and_the_checkpoint_agree(name):
    assert (name in LOWER) != higher(name)
    assert ("higher is better" in TOLD[name]) == higher(name), f"conf/metric/{name}.yaml: say which is better"
    score = {name: 1.0, "bicubic": {name: 2.0}, "images": {"a": {name: 1.0}}}
    head = comparison({"set": score}, "net", metrics={name: {"higher_is_better": higher(name)}}).splitlines()[0]
    assert (f"{name} ↓" in head) == (name in LOWER) and name in head
    right, wrong = ("min", "max") if name in LOWER else ("max", "min")
    for callback in ("checkpoint", "early_stopping"):
        check.directions({callback: {"monitor": f"val/set5/{name}", "mode": right}}, {name: higher(name)})
        with pytest.raises(InputError, match=f"^callback.{callback}.mode={wrong}: .* pass callback.{callback}.mode={right}$"):
            check.directions({callback: {"monitor": f"val/{name}", "mode": wrong}}, {name: higher(name)})
    check.objective({"checkpoint": {"monitor": f"val/{name}", "mode": right}}, f"{right}imize")
    with pytest.raises(InputError, match=f"pass hydra.sweeper.direction={right}imize"):
        check.objective({"checkpoint": {"monitor": f"val/{name}", "mode": right}}, f"{wrong}imize")


def test_a_report_takes_the_direction_from_the_record_of_a_run(tmp_path):
    """pyiqa's metrics know theirs only when they are built."""
    config = {"metric": {"pyiqa_pi": {"_target_": "sr.metric.pyiqa.PyIQA"}, "sam": {"_target_": "sr.metric.sam.SAM"}}}
    run = Run(tmp_path, config=config, facts={"metrics": {"pyiqa_pi": {"higher_is_better": False}}})
    notes = []
    assert directions([run], ["pyiqa_pi", "sam", "psnr"], notes) == {"pyiqa_pi": False, "sam": False, "psnr": True}
    assert not notes


def test_a_learning_curve_shows_its_best_part():
    falling, axes = np.geomspace(100, 1, 50), Figure().subplots()
    _zoom(axes, falling, higher=False)
    assert axes.get_ylim()[0] < 1 and axes.get_ylim()[1] < 100
    _zoom(axes, -falling, higher=True)
    assert axes.get_ylim()[1] > -1 and axes.get_ylim()[0] > -100
