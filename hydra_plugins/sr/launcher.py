"""Launchers: how the jobs of a sweep run. Each job is its own process (`sr.sweep.job`)."""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

from sr.cli import config_dirs
from sr.cli.words import quoted
from sr.errors import InputError
from sr.sweep.job import Job, Outcome, skipped
from sr.sweep.record import Record, alone_in
from sr.sweep.signals import Signals

_OF_THE_SWEEP = re.compile(r"[+~]*(hydra[./](mode|run|sweep|launcher|sweeper)\b|sweep_resume=)")


class Sequential(Launcher):
    """One job after another; each prints to the screen."""

    log = False

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.context, self.config = hydra_context, config
        self.folder = Path(config.hydra.sweep.dir).resolve()
        self.resume = bool(config.get("sweep_resume"))
        self.hint = f"sweep_resume=true output_dir={self.folder} runs the unfinished jobs"
        self.total: int | None = None
        self.started = 0
        self.one_scale = False  # whether the sweeper compares the scores of its jobs
        self.scales: dict[int, list[str]] = {}  # scale -> jobs

    @contextmanager
    def sweep(self) -> Iterator[Record]:
        """Context in which jobs may be launched; at its end it prints the table and sets the exit code."""
        with alone_in(self.folder) as lock, Signals(held=(lock,)) as self.signals:
            self.record, self.outcomes = Record(self.folder), []
            yield self.record
        print(f"\n{self.record.table()}\n{self.folder / 'sweep.md'}")
        missing = sum(not outcome.good for outcome in self.outcomes)
        if missing:
            print(f"{missing} unfinished" + (f"; {self.hint}" if self.hint else ""), file=sys.stderr)
        if self.signals.received:
            sys.exit(128 + self.signals.received)
        if missing:
            sys.exit(1)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        outcomes = self.run([(initial_job_idx + index, list(words)) for index, words in enumerate(job_overrides)])
        return [_returned(list(words), outcome) for words, outcome in zip(job_overrides, outcomes, strict=True)]

    def run(self, numbered: list[tuple[int, list[str]]]) -> list[Outcome]:
        """Run the jobs with these numbers and overrides, except finished ones."""
        jobs = [self.job(number, words) for number, words in numbered]
        self.check_scales(jobs)
        self.record.add(jobs, resume=self.resume)
        self.total = self.total or len(jobs)
        outcomes = {}
        for job in jobs:
            if job.done:
                print(f"{self._header(job)}: already finished")
                outcomes[job.folder] = self._note(skipped(job))
        for outcome in self.launched([job for job in jobs if job.folder not in outcomes]):
            outcomes[outcome.folder] = outcome
        return [outcomes[job.folder] for job in jobs]

    def check_scales(self, jobs: list[Job]) -> None:
        """Warn once, before the first job of a second scale, that the jobs have several scales.

        Raises:
            InputError: the sweeper compares their scores.
        """
        before = len(self.scales)
        for job in jobs:
            if job.scale is not None:
                self.scales.setdefault(job.scale, []).append(Path(job.folder).name)
        if before < len(self.scales) and len(self.scales) > 1:
            of = [f"x{scale}: {', '.join(names[:3])}{' ...' if len(names) > 3 else ''}" for scale, names in self.scales.items()]
            text = f"the jobs have several scales ({'; '.join(of)}), whose scores cannot be compared"
            if self.one_scale:
                raise InputError(f"{text}: pass scale=N")
            print(f"warning: {text}; pass scale={min(self.scales)} to use one scale", file=sys.stderr)

    def launched(self, jobs: list[Job]) -> Iterator[Outcome]:
        """Run the jobs."""
        for job in jobs:
            if not self.signals.received:
                print(self._header(job), flush=True)
            yield self._note(job.run(self.signals))

    def _header(self, job: Job) -> str:
        self.started += 1
        return f"job {self.started}/{self.total}: {job.folder}"

    def _note(self, outcome: Outcome) -> Outcome:
        self.outcomes.append(outcome)
        self.record.note(outcome)
        return outcome

    def _ended(self, outcome: Outcome) -> Outcome:
        """Record an outcome, and print it if the job did not print to the screen."""
        if outcome.seconds is not None:
            print(f"{outcome.folder}: {outcome}, {outcome.seconds:.0f} s", flush=True)
        return self._note(outcome)

    def job(self, number: int, words: list[str]) -> Job:
        """A job with its folder and overrides, as Hydra's own multirun would compose it.

        Raises:
            HydraException: its overrides do not compose, so a misspelt one stops the sweep before it starts.
        """
        words = [word for word in words if not _OF_THE_SWEEP.match(word)]
        config = self.context.config_loader.load_sweep_config(self.config, words)
        with open_dict(config):
            config.hydra.job.id = config.hydra.job.num = number
        before, known = HydraConfig.instance().cfg, HydraConfig.instance()
        known.set_config(config)
        try:
            name = str(OmegaConf.select(config, "hydra.sweep.subdir"))
        finally:
            known.cfg = before
        folder = self.folder / name
        configs = config_dirs(self.config.hydra.runtime.config_sources)
        kept = [word for word in self.config.hydra.overrides.hydra if not _OF_THE_SWEEP.match(word)]
        place = {"run.dir": folder, "sweep.dir": self.folder, "sweep.subdir": name}
        return Job(
            script=str(Path(sys.argv[0]).resolve()),
            folder=str(folder),
            words=words,
            place=[
                *kept,
                "hydra.mode=RUN",
                *(f"hydra.{key}={quoted(str(value))}" for key, value in place.items()),
                f"hydra.job.num={number}",
                *(word for folder in configs for word in ("--config-dir", folder)),
            ],
            go_on=self.resume,
            log=self.log,
            scale=scale if type(scale := config.get("scale")) is int else None,
        )


def _returned(words: list[str], outcome: Outcome) -> JobReturn:
    value: Any = outcome.score if outcome.good else RuntimeError(str(outcome))
    status = JobStatus.COMPLETED if outcome.good else JobStatus.FAILED
    return JobReturn(overrides=words, working_dir=outcome.folder, status=status, _return_value=value)
