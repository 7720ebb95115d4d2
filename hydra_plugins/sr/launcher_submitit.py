"""Jobs through submitit: on a SLURM cluster, or its imitation on one machine."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from omegaconf import OmegaConf

from hydra_plugins.sr.launcher import Sequential
from sr.cli.check import whole_number
from sr.errors import InputError, StorageError
from sr.sweep.job import Job, Outcome

_OF_ALL = ("timeout_min", "mem_gb", "nodes", "tasks_per_node", "cpus_per_task", "gpus_per_node", "name", "stderr_to_stdout")


class Submitit(Sequential):
    """Each job prints to log.txt in its folder; submitit's own files are in `.submitit` in the sweep folder.

    Args:
        cluster: "slurm" or "local".
        n_jobs: jobs submitted at once, the next one when a job ends; None: all, on SLURM as one array.
        max_num_timeout: how often a job that reached its time limit is queued again, to resume from its last step.
        parameters: submitit's parameters, named like sbatch's options.
    """

    log = True

    def __init__(self, cluster: str, n_jobs: int | None, max_num_timeout: int, parameters: dict[str, Any]) -> None:
        self.cluster, self.max_num_timeout = cluster, max_num_timeout
        self.n_jobs = whole_number("hydra.launcher.n_jobs", n_jobs, null=True)
        said = OmegaConf.to_container(parameters, resolve=True)
        self.parameters = {key: value for key, value in said.items() if value is not None}

    def executor(self) -> Any:
        """submitit's executor with the parameters of the config.

        Raises:
            InputError: an unknown parameter, or no SLURM here.
        """
        import submitit

        limit = {f"{self.cluster}_max_num_timeout": self.max_num_timeout}
        try:
            executor = submitit.AutoExecutor(folder=self.folder / ".submitit" / "%j", cluster=self.cluster, **limit)
            named = {key if key in _OF_ALL else f"{self.cluster}_{key}": value for key, value in self.parameters.items()}
            executor.update_parameters(**named)
        except (RuntimeError, NameError, TypeError) as error:
            raise InputError(f"hydra/launcher=submitit_{self.cluster}: {str(error).splitlines()[0]}") from error
        return executor

    def launched(self, jobs: list[Job]) -> Iterator[Outcome]:
        from sr.sweep.submitted import Submitted

        executor, waiting, running, told = self.executor(), list(jobs), {}, False
        while waiting or running:
            free = (self.n_jobs or len(jobs)) - len(running)
            batch = [] if self.signals.received else waiting[:free]
            if batch:
                del waiting[:free]
                with _ignoring_ctrl_c(), executor.batch():
                    submitted = [executor.submit(Submitted(job)) for job in batch]
                for job, task in zip(batch, submitted, strict=True):
                    running[task] = job
                    print(f"{self._header(job)}: submitted as {task.job_id}", flush=True)
            if self.signals.received and not told:
                told = True
                for task in running:
                    self._stop(task)
                yield from (self._ended(Outcome(job.folder, "not started")) for job in waiting)
                waiting = []
            for task in [task for task in running if task.done()]:
                yield self._ended(_outcome(running.pop(task), task))
            time.sleep(0.2 if self.cluster == "local" else 2)

    def _stop(self, task: Any) -> None:
        if self.cluster == "local":
            os.kill(int(task.job_id), signal.SIGTERM)  # submitit's own cancel leaves one second to save
            return
        try:
            task.cancel()
        except (OSError, subprocess.CalledProcessError) as error:
            raise StorageError(
                f"SLURM's job {task.job_id} could not be stopped ({error}): cancel it and the following jobs"
            ) from None


def _outcome(job: Job, task: Any) -> Outcome:
    """The result of a job (of several tasks, the first), or that it did not finish."""
    try:
        return task.results()[0]
    except Exception as error:  # submitit raises the job's error, or its own
        lines = [line for line in str(error).splitlines() if line.strip()]
        return Outcome(job.folder, "failed", error=(lines or [type(error).__name__])[-1][:300])


@contextmanager
def _ignoring_ctrl_c() -> Iterator[None]:
    """Make child processes ignore Ctrl-C, which the terminal sends to every process: the sweep stops them."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
