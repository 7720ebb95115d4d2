"""Sweeps: jobs that fail, are killed, go on; several at once; clusters; studies."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from sr.cli import CONF
from sr.cli.words import quoted
from sr.data.source.sample import Sample
from sr.sweep.job import Job, Outcome
from sr.sweep.record import Record, alone_in
from sr.sweep.share import shares
from tests.jobs import ONE_PHOTO, SMALL, call, command, compose, environment

WORDS = (*SMALL, *ONE_PHOTO, "data_dir=data", "output_dir=sweep", "callback=[checkpoint,interrupt]")


def statuses(folder: Path) -> dict[str, str]:
    return {name: entry["status"] for name, entry in json.loads((folder / "sweep" / "sweep.json").read_text()).items()}


def run_of(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())


def process_of(folder: Path) -> int:
    """The process of the run in a folder, as soon as it has written last.ckpt."""
    end = time.monotonic() + 90
    while not (folder / "checkpoints" / "last.ckpt").is_file():
        assert time.monotonic() < end, f"no checkpoint in {folder}"
        time.sleep(0.05)
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_text().split("\0")
        except OSError:
            continue
        if f"hydra.run.dir={quoted(str(folder))}" in words:
            return int(entry.name)
    raise AssertionError(f"no process for {folder}")


def start(*words: str, cwd: Path, **variables: str) -> subprocess.Popen:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command("train.py", *words), cwd=cwd, env=environment(cwd, **variables), **pipes)


def photos(folder: Path) -> None:
    folder.mkdir(parents=True)
    shutil.copy(Sample(held_out=False).files()[0][0], folder)


# -- real sweeps -------------------------------------------------------------------------------------------------------


def test_a_failed_and_a_killed_job_leave_the_others_alone_and_only_they_run_again(tmp_path):
    """Two at once; of three jobs one has no photos yet, and one is killed after its first validation."""
    photos(tmp_path / "a")
    photos(tmp_path / "c")
    words = [
        "-m",
        *WORDS,
        "data=folder",
        "data.train=a,b,c",
        "validation=[]",
        "trainer.max_steps=16",
        "trainer.val_check_interval=2",
    ]
    words += ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    a, b, c = (tmp_path / "sweep" / f"{index}_data.train-{name}" for index, name in enumerate("abc"))
    job = start(*words, cwd=tmp_path)
    os.kill(process_of(c), signal.SIGKILL)
    stdout, stderr = job.communicate(timeout=120)
    assert job.returncode == 1, stderr
    assert statuses(tmp_path) == {a.name: "done", b.name: "failed", c.name: "killed by signal 9"}
    table = (tmp_path / "sweep" / "sweep.md").read_text()
    assert table in stdout and "failed: no such folder: b" in table and f"{run_of(a)['score']:.4f}" in table
    assert "2 not done; sweep_resume=true" in stderr

    before = (a / "run.json").read_bytes()
    again = call("train.py", *words, cwd=tmp_path)
    assert again.returncode == 1 and again.stderr.startswith("error:") and f"{a} is done: sweep_resume=true" in again.stderr

    photos(tmp_path / "b")
    done = call("train.py", *words, "sweep_resume=true", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(statuses(tmp_path).values()) == {"done"} and (a / "run.json").read_bytes() == before
    assert run_of(b)["status"] == run_of(c)["status"] == "done"
    assert run_of(c)["resume"] == str(c / "checkpoints" / "last.ckpt")  # from where it was killed
    assert not any(word.startswith("resume=") for word in run_of(b)["command"])


def test_a_signal_reaches_the_job_which_saves_its_step_and_the_sweep_lists_what_is_missing(tmp_path):
    words = ["-m", *WORDS, "seed=1,2", "trainer.max_steps=2000", "trainer.val_check_interval=2"]
    job = start(*words, cwd=tmp_path)
    process_of(tmp_path / "sweep" / "0_seed-1")
    job.send_signal(signal.SIGTERM)
    stdout, stderr = job.communicate(timeout=60)
    assert job.returncode == 143 and "stopped at step" in stderr
    assert statuses(tmp_path) == {"0_seed-1": "stopped", "1_seed-2": "not started"}
    assert "job 1/2" in stdout and "job 2/2" not in stdout and "| 1_seed-2 | not started" in stdout


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["sequential", "joblib", "submitit_local"])
def test_two_devices_for_each_job_of_every_launcher(tmp_path, launcher):
    done = call("train.py", "-m", *WORDS, "seed=1,2", "trainer.devices=2", f"hydra/launcher={launcher}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert statuses(tmp_path) == {"0_seed-1": "done", "1_seed-2": "done"}
    for job in ("0_seed-1", "1_seed-2"):
        assert (tmp_path / "sweep" / job / "metrics.json").is_file()
        if launcher != "sequential":
            assert (tmp_path / "sweep" / job / "log.txt").read_text().count("| benchmark") == 1


@pytest.mark.slow
def test_submitit_stops_its_jobs_with_the_sweep_and_goes_on(tmp_path):
    words = ["-m", *WORDS, "seed=1,2", "trainer.max_steps=60", "trainer.val_check_interval=2", "hydra/launcher=submitit_local"]
    job = start(*words, cwd=tmp_path)
    process_of(tmp_path / "sweep" / "0_seed-1")
    job.send_signal(signal.SIGINT)
    job.communicate(timeout=60)
    assert job.returncode == 130
    assert statuses(tmp_path) == {"0_seed-1": "stopped", "1_seed-2": "not started"}
    done = call("train.py", *words, "sweep_resume=true", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first = tmp_path / "sweep" / "0_seed-1"
    assert run_of(first)["resume"] == str(first / "checkpoints" / "last.ckpt")


# What SLURM would do with a script, on this machine: an array of jobs, each with its tasks.
CLUSTER = {
    "sbatch": """import re, subprocess, sys, os
script = open(sys.argv[1]).read()
option = lambda name: (re.search(rf"#SBATCH --{name}=(.*)", script) or [None, ""])[1]
for index in range(int(re.match(r"0-(\\d+)", option("array"))[1]) + 1):
    job = {"SLURM_ARRAY_JOB_ID": "7100", "SLURM_ARRAY_TASK_ID": str(index), "SLURM_JOB_ID": str(7100 + index)}
    n, nodes = option("ntasks-per-node"), option("nodes")
    tasks = {"SLURM_NTASKS": n, "SLURM_NTASKS_PER_NODE": n, "SLURM_NNODES": nodes, "SLURM_JOB_NUM_NODES": nodes}
    tasks |= {"SLURM_NODEID": "0", "SLURM_JOB_NAME": option("job-name")}
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}  # submitit waits until nobody holds its pipes
    subprocess.Popen(["bash", sys.argv[1]], env={**os.environ, **job, **tasks}, **silent)
print("Submitted batch job 7100")
""",
    "srun": """import os, subprocess, sys
first = next(word for word in sys.argv[1:] if "python" in os.path.basename(word))
words = sys.argv[sys.argv.index(first) :]
ranks = [str(rank) for rank in range(int(os.environ["SLURM_NTASKS"]))]
tasks = [subprocess.Popen(words, env={**os.environ, "SLURM_PROCID": rank, "SLURM_LOCALID": rank}) for rank in ranks]
sys.exit(max(task.wait() for task in tasks))
""",
    "sacct": "print('JobID|State|NodeList')",
    "scontrol": "print('localhost')",
}


@pytest.mark.slow
def test_slurm_gets_one_array_with_a_task_for_each_device(tmp_path):
    (tmp_path / "bin").mkdir()
    for name, text in CLUSTER.items():
        (tmp_path / "bin" / name).write_text(f"#!{sys.executable}\n{text}")
        (tmp_path / "bin" / name).chmod(0o755)
    words = [
        "-m",
        *WORDS,
        "seed=1,2",
        "trainer.devices=2",
        "hydra/launcher=submitit_slurm",
        "hydra.launcher.parameters.mem_gb=8",
    ]
    words += ["hydra.launcher.parameters.partition=night", "hydra.launcher.parameters.setup=['export SR_LOADED=1']"]
    done = call("train.py", *words, cwd=tmp_path, PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    assert statuses(tmp_path) == {"0_seed-1": "done", "1_seed-2": "done"}
    (script,) = {file.resolve() for file in (tmp_path / "sweep" / ".submitit").rglob("*submission.sh")}
    lines = script.read_text().splitlines()
    wanted = ["array=0-1%2", "partition=night", "time=1440", "nodes=1", "ntasks-per-node=2", "gpus-per-node=2", "mem=8GB"]
    assert {f"#SBATCH --{option}" for option in [*wanted, "signal=USR2@120"]} <= set(lines)
    assert "export SR_LOADED=1" in lines
    log = (tmp_path / "sweep" / "0_seed-1" / "log.txt").read_text()
    assert log.count("| benchmark") == 1  # two tasks, one run


def test_slurm_without_slurm_is_one_line(tmp_path):
    done = call("train.py", "-m", *WORDS, "seed=1,2", "hydra/launcher=submitit_slurm", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith("error: hydra/launcher=submitit_slurm: ")


WRONG = "degradation=[blur,bicubic,blur_anisotropic]"  # fails before torch is imported


def test_a_sweep_of_several_scales_runs_and_warns_once(tmp_path):
    done = call("train.py", "-m", "model=edsr_baseline,fsrcnn", WRONG, "output_dir=sweep", cwd=tmp_path)
    assert done.returncode == 1 and "job 2/2" in done.stdout
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("warning: "))
    assert "(x2: 0_model-edsr_baseline; x3: 1_model-fsrcnn)" in line and "pass scale=2" in line
    two, three = (tmp_path / "sweep" / "sweep.md").read_text().split("Scale x3")
    assert two.startswith("Scale x2\n") and "fsrcnn" not in two and "edsr_baseline" not in three and "fsrcnn" in three


def test_scales_have_a_table_each(tmp_path):
    record = Record(tmp_path)
    record.add([replace(job(tmp_path / name), scale=2) for name in "ab"], resume=False)
    assert "Scale" not in record.table() and record.table().count("\n") == 3
    record.add([replace(job(tmp_path / "c"), scale=4)], resume=False)
    assert record.table().index("Scale x2") < record.table().index("| b ") < record.table().index("Scale x4")


@pytest.mark.parametrize("key, name, works", [("hydra/launcher", "joblib", "joblib"), ("hydra/sweeper", "optuna", "optuna")])
def test_an_override_that_would_have_no_effect_is_one_line(tmp_path, key, name, works):
    (tmp_path / "experiment").mkdir()
    file = tmp_path / "experiment" / "mine.yaml"
    file.write_text(f"# @package _global_\ndefaults:\n  - override /{key}: {name}\n")
    words = ["-m", f"hydra.searchpath=['file://{tmp_path}']", "experiment=mine", "seed=1,2", "output_dir=sweep"]
    done = call("train.py", *words, cwd=tmp_path)
    line = f"error: {file}: 'override /{key}: {name}' has no effect there, train.yaml has one: write '- /{key}/{works}'\n"
    assert (done.returncode, done.stderr) == (1, line)


# -- its parts ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("scancel") is not None, reason="scancel is here")
def test_ctrl_c_without_scancel_names_the_job_that_goes_on(tmp_path):
    submitit = pytest.importorskip("submitit")
    from hydra_plugins.sr.launcher_submitit import Submitit

    with pytest.raises(OSError, match=r"^SLURM's job 7 was not stopped \(.*scancel.*\): cancel it and those after it$"):
        Submitit("slurm", None, 1, OmegaConf.create({}))._stop(submitit.SlurmJob(tmp_path, "7"))


def job(folder: Path, *words: str) -> Job:
    return Job(script="train.py", folder=str(folder), words=list(words), place=[])


def test_a_record_refuses_to_mix_runs(tmp_path):
    record = Record(tmp_path)
    with pytest.raises(ValueError, match="two jobs have one folder, .*seed=1 seed=2"):
        record.add([job(tmp_path / "a", "seed=1"), job(tmp_path / "a", "seed=2")], resume=False)
    record.add([job(tmp_path / "a", "seed=1")], resume=False)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "run.json").write_text(json.dumps({"command": ["seed=1"], "status": "done", "score": 30.0}))
    with pytest.raises(ValueError, match="is done: sweep_resume=true"):
        Record(tmp_path).add([job(tmp_path / "a", "seed=1")], resume=False)
    with pytest.raises(ValueError, match="another command .seed=1 seed=2."):
        Record(tmp_path).add([job(tmp_path / "a", "seed=2")], resume=True)
    Record(tmp_path).add([job(tmp_path / "a", "seed=1")], resume=True)
    Record(tmp_path).add([job(tmp_path / "a", "output_dir=../moved", "seed=1")], resume=True)  # the folder told another way


def test_a_record_keeps_the_jobs_of_earlier_calls(tmp_path):
    for name in "ab":
        record = Record(tmp_path)
        record.add([job(tmp_path / name)], resume=True)
        record.note(Outcome(str(tmp_path / name), "failed", "a | b", None, 3.0))
    assert [row.split("|")[1].strip() for row in (tmp_path / "sweep.md").read_text().splitlines()[2:]] == ["a", "b"]
    assert "failed: a \\| b" in record.table()


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": 1}'])
def test_a_damaged_record_is_one_line_and_a_damaged_run_is_not_done(tmp_path, text):
    (tmp_path / "sweep.json").write_text(text)
    with pytest.raises(ValueError, match=r"sweep.json: not the record of a sweep, or truncated; .* remove it$"):
        Record(tmp_path)
    (tmp_path / "run.json").write_text(text)
    assert not job(tmp_path).done


def test_a_job_that_a_killed_sweep_left_behind_holds_its_folder(tmp_path):
    with alone_in(tmp_path) as lock:
        left = subprocess.Popen(["sleep", "30"], pass_fds=[lock])
    with pytest.raises(ValueError, match="still at work"), alone_in(tmp_path):
        pass
    left.kill()
    left.wait()
    with alone_in(tmp_path):
        pass


def test_shares_of_gpus_and_cores(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3,4")
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert [share.variables["CUDA_VISIBLE_DEVICES"] for share in shares(None, devices=2)] == ["0,1", "2,3"]
    assert [share.variables["CUDA_VISIBLE_DEVICES"] for share in shares(3, devices=2)] == ["0,1", "2,3", "4,0"]
    assert [share.cores for share in shares(2, devices=1)] == [{0, 1, 2, 3}, {4, 5, 6, 7}]
    assert shares(2, devices=2)[0].variables["OMP_NUM_THREADS"] == "2"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert len(shares(None, devices=1)) == 8 and "CUDA_VISIBLE_DEVICES" not in shares(None, devices=1)[0].variables
    assert [share.cores for share in shares(9, devices=1)][7:] == [{7}, {0}]


@pytest.mark.parametrize("path", ["/a b/c=d,e", "/it's", "/back\\slash", "/\\'end\\", "/{x}[y]"])
def test_a_path_survives_the_command_line(path):
    assert OverridesParser.create().parse_override(f"resume={quoted(path)}").value() == path


# -- studies -----------------------------------------------------------------------------------------------------------

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


def test_a_study_is_variants_times_grid_and_runs_what_is_missing(tmp_path):
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "tiny.yaml").write_text(STUDY)
    words = [word for word in WORDS if not word.startswith("network")]
    words = [*words, "experiment=tiny", "trainer.max_steps=2", f"hydra.searchpath=[file://{tmp_path}/conf]"]
    done = call("train.py", *words, "variant=small", "seed=2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert statuses(tmp_path) == {"small_seed-2": "done"}
    facts = run_of(tmp_path / "sweep" / "small_seed-2")
    assert (facts["study"], facts["variant"], facts["seed"]) == ("tiny", "small", 2)
    assert facts["training"]["steps"] == 2  # the command line wins over the variant
    wrong = call("train.py", *words, "variant=smal", cwd=tmp_path)
    assert wrong.returncode == 1 and wrong.stderr == "error: variant=smal is not in this study; there are small, other\n"
    done = call("train.py", *words, "seed=2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "small_seed-2: done already" in done.stdout
    assert statuses(tmp_path) == {"small_seed-2": "done", "other_seed-2": "done"}


# -- W&B ---------------------------------------------------------------------------------------------------------------


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
