"""Sweeps on a cluster: SLURM's scripts, and one line where it is not there."""

import os
import shutil
import signal
import sys

import pytest
from omegaconf import OmegaConf

from tests.jobs import call, run_script
from tests.sweeps import WORDS, process_of, run_of, start, statuses


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


@pytest.mark.medium
def test_slurm_without_slurm_is_one_line(tmp_path):
    done = run_script("train.py", "-m", *WORDS, "seed=1,2", "hydra/launcher=submitit_slurm", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith("error: hydra/launcher=submitit_slurm: ")


@pytest.mark.skipif(shutil.which("scancel") is not None, reason="scancel is here")
def test_ctrl_c_without_scancel_names_the_job_that_goes_on(tmp_path):
    submitit = pytest.importorskip("submitit")
    from hydra_plugins.sr.launcher_submitit import Submitit

    with pytest.raises(
        OSError, match=r"^SLURM's job 7 could not be stopped \(.*scancel.*\): cancel it and the following jobs$"
    ):
        Submitit("slurm", None, 1, OmegaConf.create({}))._stop(submitit.SlurmJob(tmp_path, "7"))
