"""A job as submitit runs it: in another process, perhaps on another machine, restarted after a time limit."""

import os
import signal
from dataclasses import replace

from submitit.helpers import DelayedSubmission

from sr.sweep.job import Job, Outcome
from sr.sweep.signals import Signals

_CAUGHT = (signal.SIGTERM, signal.SIGUSR1)  # submitit itself uses SIGUSR2: before the time limit it calls `checkpoint`


class Submitted:
    """The function that submitit pickles: made of this class and plain values."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def __call__(self) -> Outcome:
        with Signals(caught=_CAUGHT, passing=not _in_slurm()) as self._signals:
            return self.job.run(self._signals)

    def checkpoint(self) -> DelayedSubmission:
        """Called when the run has saved a checkpoint: the job that continues from it."""
        self._signals.send(signal.SIGUSR2)
        self._signals.wait(seconds=100)  # of the 120 s that conf/hydra/launcher gives
        return DelayedSubmission(Submitted(replace(self.job, go_on=True)))


def _in_slurm() -> bool:
    """SLURM sends its signals to every process of a job step. A second one would stop the run before it has saved."""
    return "SLURM_JOB_ID" in os.environ
