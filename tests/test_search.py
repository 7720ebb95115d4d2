"""Searches: spaces, pruning, and a killed search that goes on."""

import json
import os
import re
import signal

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from hydra_plugins.sr.sweeper_optuna import _distribution
from sr.sweep import search
from sr.sweep.job import PRUNED
from tests.jobs import call, run_script, run_train
from tests.sweeps import WORDS, process_of, start, statuses

LR = FloatDistribution(1e-5, 1e-2, log=True)


@pytest.mark.parametrize(
    "word, distribution",
    [
        ("a=interval(1e-5,1e-3)", FloatDistribution(1e-5, 1e-3)),
        ("a=tag(log,interval(1e-5,1e-3))", FloatDistribution(1e-5, 1e-3, log=True)),
        ("a=int(interval(2,16))", IntDistribution(2, 16)),
        ("a=range(0,8,2)", IntDistribution(0, 6, step=2)),
        ("a=choice(x,2)", CategoricalDistribution(["x", "2"])),
        ("a=[l1],[l1,ssim]", CategoricalDistribution(["[l1]", "[l1,ssim]"])),
    ],
)
def test_hydras_words_are_optunas_distributions(word, distribution):
    assert _distribution(OverridesParser.create().parse_override(word)) == distribution


@pytest.mark.parametrize("word", ["optimizer.lr=tag(log,interval(0,1))", "optimizer.lr=interval(1,0)", "seed=glob(*)"])
def test_what_is_no_space_names_its_key(word):
    with pytest.raises(ValueError, match=rf"^{re.escape(word)}: "):
        _distribution(OverridesParser.create().parse_override(word))


@pytest.mark.parametrize("damage", [b"nonsense\n", b"[1]\n", b"\0\xff\n\n", b'{"op_code": 99}\n'])
def test_a_damaged_file_or_another_direction_is_one_line(tmp_path, damage):
    words = {"pruner": "none", "pruner_options": {}}
    search.start(tmp_path, direction="maximize", **words)
    with pytest.raises(ValueError, match="hydra.sweeper.direction=up: choose minimize or maximize"):
        search.start(tmp_path, direction="up", **words)
    with pytest.raises(ValueError, match="search.log belongs to a search with direction maximize: choose another output_dir"):
        search.start(tmp_path, direction="minimize", **words)
    with (tmp_path / search.FILE).open("ab") as file:
        file.write(damage)
    with pytest.raises(ValueError, match="search.log: not a search file, or damaged") as caught:
        search.start(tmp_path, direction="maximize", **words)
    assert "\n" not in str(caught.value)


@pytest.mark.medium
@pytest.mark.parametrize(
    "words",
    [
        ("sweep=lr", "hydra.sweeper.n_trials=many"),
        ("sweep=lr", "hydra.sweeper.n_jobs=0"),
        ("-m", "seed=1,2", "hydra/launcher=joblib", "hydra.launcher.n_jobs=-1"),
    ],
)
def test_a_number_of_jobs_that_is_none_is_one_line(tmp_path, words):
    done = run_script("train.py", *words, *WORDS, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {words[-1]}: pass a whole number of at least 1") and done.stderr.count("\n") == 1


@pytest.mark.medium
def test_a_search_for_the_worst_is_one_line(tmp_path):
    words = ["sweep=lr", "metric=[psnr,lpips]", "callback.checkpoint.monitor=val/lpips", "callback.checkpoint.mode=min"]
    done = run_script("train.py", *words, *WORDS, cwd=tmp_path)
    said = "hydra.sweeper.direction=maximize, but the score is val/lpips with callback.checkpoint.mode=min"
    assert done.returncode == 1
    assert done.stderr == f"error: {said}: pass hydra.sweeper.direction=minimize\n"


@pytest.mark.medium
@pytest.mark.parametrize("good", [99.0, 1.0])  # what the other trials had at the first validation
def test_a_run_behind_the_others_is_pruned_and_one_ahead_is_not(tmp_path, good):
    search.quiet()
    study = search.start(tmp_path, direction="maximize", pruner="median", pruner_options={"n_startup_trials": 1})
    study.add_trial(create_trial(value=good, params={"lr": 1e-3}, distributions={"lr": LR}, intermediate_values={4: good}))
    number = study.ask({"lr": LR}).number
    file = tmp_path / search.FILE
    prune = ["callback=[checkpoint,prune]", f"callback.prune.storage={file}", f"callback.prune.trial={number}"]
    words = [f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data", *prune]
    if good > 50:
        with pytest.raises(SystemExit) as left:
            run_train(*words)
        assert left.value.code == PRUNED
    else:
        run_train(*words)
    assert list(study.trials[number].intermediate_values) == ([4] if good > 50 else [4, 8])
    assert (tmp_path / "run" / "checkpoints" / "last.ckpt").is_file()


@pytest.mark.medium
def test_a_search_that_has_nothing_to_search_is_one_line(tmp_path):
    done = run_script("train.py", "-m", *WORDS, "hydra/sweeper=optuna", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("error: hydra/sweeper=optuna has nothing to search: pass sweep=lr")


@pytest.mark.medium
@pytest.mark.parametrize(
    "words, line",
    [
        (["model=edsr_baseline,fsrcnn"], "the jobs have several scales (x2: 0_model-edsr_baseline; x3: 0_model-fsrcnn), whose"),
        (
            ["seed=1,2", "callback.checkpoint.mode=min"],
            "hydra.sweeper.direction=maximize, but the score is val/psnr with callback.checkpoint.mode=min: pass hydra.",
        ),
        (
            ["seed=1,2", "callback=[default,prune]", "callback.prune.monitor=val/ssim"],
            "callback.prune.monitor=val/ssim, but callback.checkpoint.monitor=val/psnr",
        ),
    ],
)
def test_scores_that_cannot_be_compared_are_not_searched(tmp_path, words, line):
    done = run_script("train.py", "-m", "hydra/sweeper=optuna", *words, "output_dir=sweep", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith(f"error: {line}"), done.stderr


def test_a_search_goes_on_with_the_same_task_alone(tmp_path):
    study = search.start(tmp_path, direction="maximize", pruner="none", pruner_options={})
    for task in ({"scale": 2, "benchmark": ["set5"]}, {"scale": 2, "benchmark": ["set5"]}):
        search.check_task(study, tmp_path / search.FILE, task)
    with pytest.raises(ValueError, match="its trials have scale=2 instead of 4, so scores cannot be compared"):
        search.check_task(study, tmp_path / search.FILE, {"scale": 4, "benchmark": ["set5"]})


@pytest.mark.slow
def test_a_killed_search_goes_on_with_the_trial_that_was_killed(tmp_path):
    """SIGKILL to the search and to its second trial; the same command goes on from the trial's last checkpoint."""
    words = ["sweep=lr", *WORDS, "hydra.sweeper.n_trials=4", "trainer.val_check_interval=2"]
    words += ["trainer.max_steps=60", "++hydra.sweeper.pruner_options.n_startup_trials=2"]  # the second is not pruned
    job = start(*words, cwd=tmp_path)
    folder = tmp_path / "sweep"
    while not (second := list(folder.glob("1_*"))):
        assert job.poll() is None
    trial = process_of(second[0])
    while not (second[0] / "checkpoints" / "last.ckpt").exists():
        assert job.poll() is None
    job.kill()
    job.wait()  # the trial holds its pipes
    busy = call("train.py", *words, cwd=tmp_path)
    assert busy.returncode == 1 and "is still running there" in busy.stderr
    os.kill(trial, signal.SIGKILL)
    done = run_script("train.py", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"job 2/4: {second[0]}" in done.stdout and "job 1/4" not in done.stdout and "best: trial" in done.stdout
    study = search.optuna.load_study(storage=search.storage(folder / search.FILE), study_name=search.NAME)
    assert len(study.trials) == 4 and all(trial.state.is_finished() for trial in study.trials)
    assert len({trial.params["optimizer.lr"] for trial in study.trials}) == 4
    ended = {TrialState.COMPLETE: "done", TrialState.PRUNED: "pruned"}
    assert sorted(statuses(tmp_path).values()) == sorted(ended[trial.state] for trial in study.trials)
    for trial in study.trials:
        if trial.state == TrialState.COMPLETE:
            (run,) = folder.glob(f"{trial.number}_*/run.json")
            assert json.loads(run.read_text())["score"] == trial.value
    assert json.loads((second[0] / "run.json").read_text())["resume"].endswith("last.ckpt")
