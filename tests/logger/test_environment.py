"""W&B's environment variables, read back from the files of an offline run."""

import pytest
from omegaconf import OmegaConf

from sr.logger.environment import VARIABLES, apply
from tests.jobs import SMALL, run_script
from tests.logger.records import wandb_records

VALUES = {"project": "of-env", "name": "my run", "group": "g", "tags": "one, two", "run_id": "abcd1234", "finish_timeout": "9"}


def test_the_command_line_wins_over_the_environment_which_wins_over_the_config():
    environment = {VARIABLES[key]: value for key, value in VALUES.items()}
    node = OmegaConf.create(
        {"project": "sr", "name": None, "group": "study", "tags": ["x"], "run_id": None, "finish_timeout": 600}
    )
    apply(node, {"logger.wandb.group", "trainer.max_steps"}, environment)
    assert node == {**VALUES, "group": "study", "tags": ["one", "two"], "finish_timeout": None}
    untouched = OmegaConf.create(dict(node))
    apply(untouched, {"logger.wandb"}, {"WANDB_PROJECT": "other"})
    apply(untouched, set(), {"WANDB_PROJECT": ""})
    assert untouched == node


@pytest.mark.slow
def test_an_offline_run_has_what_the_environment_says(tmp_path):
    variables = {"WANDB_PROJECT": "of-env", "WANDB_NAME": "my run", "WANDB_TAGS": "one,two", "WANDB_RUN_GROUP": "g"}
    variables |= {"WANDB_ENTITY": "team", "WANDB_NOTES": "why", "WANDB_JOB_TYPE": "try", "WANDB_DIR": str(tmp_path / "there")}
    words = [*SMALL[:-1], "trainer.max_steps=1", "trainer.limit_val_batches=0", "trainer.limit_test_batches=1", "logger=wandb"]
    words += ["logger.wandb.name=typed", "data_dir=data", "output_dir=run"]
    done = run_script("train.py", *words, cwd=tmp_path, **variables)
    assert done.returncode == 0, done.stderr
    (file,) = (tmp_path / "there").glob("wandb/offline-run-*/run-*.wandb")
    run = next(record.run for record in wandb_records(file) if record.WhichOneof("record_type") == "run")
    assert (run.project, run.run_group, run.entity, run.notes, run.job_type) == ("of-env", "g", "team", "why", "try")
    assert run.display_name == "typed" and {"one", "two", "compact", "x2"} <= set(run.tags)
    assert f"wandb sync {tmp_path}/there/wandb/offline-run-*-{run.run_id}" in done.stdout
    config = OmegaConf.load(tmp_path / "run" / "config.yaml")
    assert config["logger"]["wandb"]["project"] == "of-env"  # where a resumed run goes on
