"""What chooses the checkpoint is not what is reported; runs from before there were validation sets go on as they were."""

import csv
import json
import shutil
import warnings
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from sr import build
from sr.data.validated import validated
from sr.sweep import search
from tests.jobs import ONE_PHOTO, SMALL, compose, run_train


def rows(folder: Path) -> list[dict[str, str]]:
    with open(folder / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def last(folder: Path) -> Path:
    return folder / "checkpoints" / "last.ckpt"


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """Two validations on the split."""
    folder = tmp_path_factory.mktemp("validated")
    run_train(f"output_dir={folder}/run", f"data_dir={folder}/data")
    return folder / "run"


@pytest.fixture
def run(trained, tmp_path) -> Path:
    """A copy of it, which may be changed."""
    return shutil.copytree(trained, tmp_path / "run")


def test_the_score_that_chooses_and_is_searched_by_is_of_the_split(run):
    record = json.loads((run / "run.json").read_text())
    scores = [float(row["val/split/psnr"]) for row in rows(run) if row["val/psnr"]]
    assert len(scores) == 2 and record["score"] == pytest.approx(max(scores), abs=1e-3)
    assert "val/sample/psnr" not in rows(run)[0] and json.loads((run / "metrics.json").read_text()).keys() == {"sample"}


def changed(file: Path, **trainer: int) -> dict:
    """The content of a checkpoint, whose run has other options of the trainer from now on."""
    content = torch.load(file, weights_only=True)
    content["sr"]["config"]["trainer"] |= trainer
    return content


def test_an_older_run_goes_on_with_its_benchmarks_and_says_so(run, tmp_path):
    """Its checkpoint is as versions without validation sets wrote it."""
    content = changed(last(run), max_steps=10)
    del content["sr"]["config"]["validation"]
    torch.save(content, last(run))
    line = "3 of 3 images of benchmark sample are also used for validation: its score chooses best.ckpt"
    with pytest.warns(UserWarning, match=line) as warned:
        run_train(f"resume={last(run)}", f"output_dir={tmp_path}/on")
    assert not any("validation changed from" in str(warning.message) for warning in warned)
    assert rows(tmp_path / "on")[-1]["val/sample/psnr"]


@pytest.mark.medium
def test_scores_of_other_images_are_not_compared(run, tmp_path):
    """The first score on other photos is the best so far, whatever the one on the split was."""
    content = torch.load(last(run), weights_only=True)
    (key,) = (key for key in content["callbacks"] if key.startswith("Checkpoint"))
    content["callbacks"][key]["score"] = 99.0
    torch.save(content, last(run))
    words = [*SMALL, *ONE_PHOTO, "metric=[psnr]", "trainer.max_steps=10", f"data_dir={tmp_path}", f"output_dir={tmp_path}/on"]
    for validation, best in (("[split]", 99.0), ("[sample]", pytest.approx(28, abs=8))):
        cfg = compose("train", *words, f"validation={validation}")
        model = build.model(cfg)
        trainer = build.trainer(cfg, model)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            build.fit(trainer, model, build.data(cfg), resume=str(last(run)))
        said = [text for warning in warned if "validation changed from" in (text := str(warning.message))]
        assert len(said) == (validation == "[sample]") and build.score(trainer) == best
    limit = "(trainer.limit_val_batches=1)"
    assert said[0].startswith(f"validation changed from split {limit} to sample {limit}; scores before and after cannot")


def test_configs_that_validate_on_the_same_images_are_equal():
    def of(*words: str) -> dict[str, str]:
        return validated(OmegaConf.to_container(compose("train", *words), resolve=False))

    split, five = of(), of("validation=[set5]", "benchmark=[b100]")
    assert split.keys() == {"split"} and five == of("validation=[]", "benchmark=[set5]", "seed=1")
    assert split != of("data=div2k") and split != of("degradation=[blur,bicubic]", "validation.split.size=3")


def test_a_search_from_before_does_not_go_on_with_other_images(tmp_path):
    study = search.start(tmp_path, direction="maximize", pruner="none", pruner_options={})
    study.set_user_attr("task", {"scale": 2, "benchmark": ["set5"]})
    file = tmp_path / search.FILE
    search.check_task(study, file, {"scale": 2, "validation": ["set5"], "images of the validation": {"set5": "x"}})
    with pytest.raises(ValueError, match=r"its trials have validation=\['set5'\] instead of \['split'\], so scores cannot"):
        search.check_task(study, file, {"scale": 2, "validation": ["split"]})
