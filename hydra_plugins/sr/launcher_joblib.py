"""Several jobs at once on one machine, each with its share of the GPUs and cores."""

from collections.abc import Iterator
from queue import SimpleQueue

from hydra_plugins.sr.launcher import Sequential
from sr.cli.check import whole_number
from sr.sweep.job import Job, Outcome
from sr.sweep.share import Share, shares


class Joblib(Sequential):
    """Each job prints to log.txt in its folder.

    Args:
        n_jobs: concurrent jobs; None: as many as the GPUs (or cores, without GPUs) allow.
    """

    log = True

    def __init__(self, n_jobs: int | None = None) -> None:
        self.n_jobs = whole_number("hydra.launcher.n_jobs", n_jobs, null=True)

    def launched(self, jobs: list[Job]) -> Iterator[Outcome]:
        from joblib import Parallel, delayed

        devices = self.config.trainer.devices
        parts = shares(self.n_jobs, devices if isinstance(devices, int) and devices > 0 else 1)
        free: SimpleQueue[Share] = SimpleQueue()
        for part in parts:
            free.put(part)

        def run(job: Job) -> Outcome:
            part = free.get()
            if not self.signals.received:
                print(f"{self._header(job)}: started", flush=True)
            outcome = job.run(self.signals, variables=part.variables, cores=part.cores)
            free.put(part)
            return self._ended(outcome)

        yield from Parallel(n_jobs=len(parts), backend="threading")(delayed(run)(job) for job in jobs)
