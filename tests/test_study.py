"""Studies: variants times a grid; what an agent of W&B types."""

import pytest
import yaml
from omegaconf import OmegaConf

from sr.cli import CONF
from tests.jobs import compose, run_script
from tests.sweeps import WORDS, run_of, statuses

STUDY = """# @package _global_
hydra:
  mode: MULTIRUN
  sweeper:
    params: {seed: "1,2"}
    variants:
      small: [network.n_feats=4, trainer.max_steps=4]
      other: [network=espcn]
study: tiny
sweep_resume: true
"""


@pytest.mark.slow
def test_a_study_is_variants_times_grid_and_runs_what_is_missing(tmp_path):
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "tiny.yaml").write_text(STUDY)
    words = [word for word in WORDS if not word.startswith("network")]
    words = [*words, "experiment=tiny", "trainer.max_steps=2", f"hydra.searchpath=[file://{tmp_path}/conf]"]
    done = run_script("train.py", *words, "variant=small", "seed=2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert statuses(tmp_path) == {"small_seed-2": "done"}
    facts = run_of(tmp_path / "sweep" / "small_seed-2")
    assert (facts["study"], facts["variant"], facts["seed"]) == ("tiny", "small", 2)
    assert facts["training"]["steps"] == 2  # the command line wins over the variant
    wrong = run_script("train.py", *words, "variant=smal", cwd=tmp_path)
    assert wrong.returncode == 1 and wrong.stderr == "error: variant=smal is not in this study; choose one of small, other\n"
    done = run_script("train.py", *words, "seed=2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "small_seed-2: already finished" in done.stdout
    assert statuses(tmp_path) == {"small_seed-2": "done", "other_seed-2": "done"}


def test_what_a_wandb_agent_types_composes(monkeypatch):
    """With W&B's own code, for the ends of each range; a server is needed for the rest."""
    from wandb.sdk.launch.sweeps import utils

    sweep = yaml.safe_load((CONF / "sweep" / "wandb" / "lr.yaml").read_text())
    monkeypatch.setenv("WANDB_RUN_ID", "abc")
    for end in (0, -1):
        ends = {
            key: room["values"][end] if "values" in room else (room["min"], room["max"])[end]
            for key, room in sweep["parameters"].items()
        }
        made = utils.create_sweep_command_args({"args": {key: {"value": value} for key, value in ends.items()}})
        words = []
        for part in utils.create_sweep_command(list(sweep["command"])):
            words += made.get(part[2:-1], []) if part.startswith("${") else [part]
        config = compose(sweep["program"].removesuffix(".py"), *words)
        assert {key: OmegaConf.select(config, key) for key in ends} == ends
        assert config.output_dir == "outputs/wandb/abc" and "wandb" in config.logger
    assert sweep["metric"] == {"name": config.callback.checkpoint.monitor, "goal": "maximize"}
