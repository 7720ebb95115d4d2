"""Shares the GPUs and cores of a machine among concurrent jobs."""

import os
import shutil
import subprocess
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Share:
    """Cores, and environment variables that name GPUs and the number of threads."""

    cores: set[int]
    variables: dict[str, str] = field(default_factory=dict)


def shares(n_jobs: int | None, devices: int) -> list[Share]:
    """A share for each of `n_jobs` jobs with this many devices each; None: as many jobs as GPUs (or cores) allow.

    With fewer GPUs or cores than needed, some jobs share them.
    """
    gpus, cores = visible_gpus(), sorted(os.sched_getaffinity(0))
    n_jobs = n_jobs or max(1, len(gpus or cores) // devices)
    found = []
    for index in range(n_jobs):
        mine = _part(cores, index, n_jobs, 1)
        variables = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS") or str(max(1, len(mine) // devices))}
        if gpus:
            variables["CUDA_VISIBLE_DEVICES"] = ",".join(_part(gpus, index, n_jobs, devices))
        found.append(Share(set(mine), variables))
    return found


def visible_gpus() -> list[str]:
    """The names of the GPUs visible to this process, without importing torch."""
    if (named := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in named.split(",") if name]
    if not shutil.which("nvidia-smi"):
        return []
    listed = subprocess.run(["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"], capture_output=True, text=True)
    return listed.stdout.split() if listed.returncode == 0 else []


def _part(whole: list, index: int, parts: int, least: int) -> list:
    """One of `count` equal parts, or `least` elements if a part would have fewer."""
    size = max(len(whole) // parts, min(least, len(whole)))
    return [whole[(index * size + offset) % len(whole)] for offset in range(size)]
