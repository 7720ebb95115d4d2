"""What chooses the checkpoint is not what is reported; runs from before there were validation sets go on as they were."""

import csv
import json
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from sr.data.validated import validated
from sr.sweep import search
from tests.jobs import call, compose, run_train


def rows(folder: Path) -> list[dict[str, str]]:
    with open(folder / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def last(folder: Path) -> Path:
    return folder / "checkpoints" / "last.ckpt"


@pytest.fixture
def run(tmp_path) -> Path:
    """Two validations on the split."""
    run_train("metric=[psnr]", f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data")
    return tmp_path / "run"


def test_the_score_that_chooses_and_is_searched_by_is_of_the_split(run):
    record = json.loads((run / "run.json").read_text())
    scores = [float(row["val/split/psnr"]) for row in rows(run) if row["val/psnr"]]
    assert len(scores) == 2 and record["score"] == pytest.approx(max(scores), abs=1e-3)
    assert "val/sample/psnr" not in rows(run)[0] and json.loads((run / "metrics.json").read_text()).keys() == {"sample"}


@pytest.fixture
def older(run) -> Path:
    """The checkpoint as versions without validation sets wrote it."""
    content = torch.load(last(run), weights_only=True)
    del content["sr"]["config"]["validation"]
    torch.save(content, last(run))
    return last(run)


def test_an_older_run_goes_on_with_its_benchmarks_and_says_so(older, tmp_path):
    done = call("train.py", f"resume={older}", "trainer.max_steps=10", "output_dir=on", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    line = (
        "3 of 3 images of benchmark sample are validated on too: its score chooses best.ckpt, so that it is a little too good"
    )
    assert f"warning: {line}" in done.stderr and rows(tmp_path / "on")[-1]["val/sample/psnr"]
    assert "validation was of split" not in done.stderr


def test_scores_of_other_images_are_not_compared(run, tmp_path):
    """The first score on other photos is the best so far, whatever the one on the split was."""
    before = torch.load(last(run), weights_only=True)
    (key,) = (key for key in before["callbacks"] if key.startswith("Checkpoint"))
    before["callbacks"][key]["score"] = 99.0
    torch.save(before, last(run))
    words = ["trainer.max_steps=10", "validation=[sample]", "output_dir=on"]
    done = call("train.py", f"resume={last(run)}", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "warning: validation was of split (trainer.limit_val_batches=1), and is now of sample (" in done.stderr
    score = json.loads((tmp_path / "on" / "run.json").read_text())["score"]
    assert score == pytest.approx(float(rows(tmp_path / "on")[-1]["val/sample/psnr"]), abs=1e-3) and score < 99


def test_configs_that_validate_on_the_same_images_are_equal():
    def of(*words: str) -> dict[str, str]:
        return validated(OmegaConf.to_container(compose("train", *words), resolve=False))

    assert of().keys() == {"split"} and of("validation=[set5,set14]").keys() == {"set5", "set14"}
    assert of() == of("seed=1", "model=srcnn", "benchmark=[set5]")
    assert of("validation=[]", "benchmark=[set5]") == of("validation=[set5]", "benchmark=[b100]")
    different = [of("data=div2k"), of("degradation=[blur,bicubic]"), of("validation.split.size=3"), of("validation=[sample]")]
    assert all(one != of() for one in different)


def test_a_search_from_before_does_not_go_on_with_other_images(tmp_path):
    study = search.start(tmp_path, direction="maximize", pruner="none", pruner_options={})
    study.set_user_attr("task", {"scale": 2, "benchmark": ["set5"]})
    file = tmp_path / search.FILE
    search.check_task(study, file, {"scale": 2, "validation": ["set5"], "images of the validation": {"set5": "x"}})
    with pytest.raises(ValueError, match=r"its trials have validation=\['set5'\], not \['split'\]; scores of both cannot"):
        search.check_task(study, file, {"scale": 2, "validation": ["split"]})
