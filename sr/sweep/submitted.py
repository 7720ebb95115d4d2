"""A job as submitit runs it: in another process, perhaps on another machine, started again after a time limit."""

import os
import signal
from dataclasses import replace

from submitit.helpers import DelayedSubmission

from sr.sweep.job import Job, Outcome
from sr.sweep.signals import Signals

_CAUGHT = (signal.SIGTERM, signal.SIGUSR1)  # SIGUSR2 is submitit's: before the time limit, it calls `checkpoint`


class Submitted:
    """The function that submitit pickles: of this class and plain values."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def __call__(self) -> Outcome:
        with Signals(caught=_CAUGHT, passing=not _in_slurm()) as self._signals:
            return self.job.run(self._signals)

    def checkpoint(self) -> DelayedSubmission:
        """When the run has saved its step: what goes on from there."""
        self._signals.send(signal.SIGUSR2)
        self._signals.wait(seconds=100)  # of the 120 that conf/hydra/launcher gives
        return DelayedSubmission(Submitted(replace(self.job, go_on=True)))


def _in_slurm() -> bool:
    """SLURM sends its signals to every process of a job step. A second one would stop the run before it has saved."""
    return "SLURM_JOB_ID" in os.environ
