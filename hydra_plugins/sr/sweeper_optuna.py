"""Hyperparameter search with Optuna: it proposes trials, the launcher runs them, a file stores them."""

import time
from typing import Any

from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from hydra_plugins.sr.sweeper import Launching
from sr.cli.check import objective, whole_number
from sr.cli.words import is_group, typed
from sr.data.validated import validated
from sr.errors import InputError
from sr.sweep.job import Outcome


class Search(Launching):
    """Args as in conf/hydra/sweeper/optuna.yaml. A stopped or killed trial continues in the next call."""

    def __init__(
        self,
        *,
        params: DictConfig,
        n_trials: int,
        n_jobs: int,
        timeout: float | None,
        direction: str,
        seed: int,
        sampler: str,
        sampler_options: DictConfig,
        pruner: str,
        pruner_options: DictConfig,
    ) -> None:
        self.params, self.sampler_options, self.pruner_options = map(
            OmegaConf.to_container, (params, sampler_options, pruner_options)
        )
        self.n_trials = whole_number("hydra.sweeper.n_trials", n_trials)
        self.n_jobs = whole_number("hydra.sweeper.n_jobs", n_jobs)
        self.timeout, self.direction = timeout, direction
        self.seed, self.sampler, self.pruner = seed, sampler, pruner

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        objective(config.get("callback") or {}, self.direction)
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        self.launcher.resume = True  # the file knows which trials are unfinished
        self.launcher.hint = ""  # a failed trial is a result, and is not run again
        self.launcher.one_scale = True
        self.config = config
        self._check_pruner()

    def _check_pruner(self) -> None:
        """Check that pruner and checkpoint use the same metric; `objective` has checked the direction.

        Raises:
            InputError: they do not; trials would be stopped by another score than the search's.
        """
        callbacks = self.config.get("callback") or {}
        checkpoint, prune = (callbacks.get(name) or {} for name in ("checkpoint", "prune"))
        if prune and checkpoint and self.pruner != "none" and prune.get("monitor") != checkpoint.get("monitor"):
            monitor = f"callback.checkpoint.monitor={checkpoint.get('monitor')}"
            raise InputError(f"callback.prune.monitor={prune.get('monitor')}, but {monitor}: use the same metric for both")

    def sweep(self, arguments: list[str]) -> Any:
        space, fixed = {}, {}
        words = [*(f"{key}={value}" for key, value in self.params.items()), *arguments]
        for override in self.parser.parse_overrides(typed(words)):
            key = override.get_key_element()
            for found in (space, fixed):
                found.pop(key, None)  # the command line overrides
            if override.is_sweep_override():
                space[key] = _distribution(override)
            else:
                fixed[key] = override.input_line
        if not space:
            raise InputError("hydra/sweeper=optuna has nothing to search: pass sweep=lr, or 'KEY=interval(1e-5,1e-3)'")
        with self.launcher.sweep():
            self._search(space, list(fixed.values()))

    def _search(self, space: dict[str, Any], fixed: list[str]) -> None:
        from sr.sweep import search

        search.quiet()
        study = search.start(
            self.launcher.folder, direction=self.direction, pruner=self.pruner, pruner_options=self.pruner_options
        )
        search.check_task(study, self.launcher.folder / search.FILE, self._task())
        self._check_scales(space, fixed)
        seed = self.seed + len(study.trials)  # the same seed would propose the same trials again
        study.sampler = search.made(search.SAMPLERS, "sampler", self.sampler, {"seed": seed, **self.sampler_options})
        end = time.monotonic() + (self.timeout or float("inf"))
        left_behind = _unfinished(study)
        self.launcher.total, self.launcher.started = self.n_trials, len(study.trials) - len(left_behind)
        while not self.launcher.signals.received:
            if not left_behind and time.monotonic() > end:
                break
            batch, left_behind = left_behind[: self.n_jobs], left_behind[self.n_jobs :]
            while len(batch) < self.n_jobs and len(study.trials) < self.n_trials:
                trial = study.ask(space)
                words = [*fixed, *(f"{key}={value}" for key, value in trial.params.items())]
                trial.set_user_attr("words", words)
                batch.append((trial.number, words))
            if not batch:
                break
            for (number, _), outcome in zip(batch, self.launcher.run(batch), strict=True):
                _tell(study, number, outcome)
        if any(trial.value is not None for trial in study.trials):
            best = study.best_trial
            print(f"\nbest: trial {best.number}, {best.value:.4f}: {' '.join(f'{k}={v}' for k, v in best.params.items())}")

    def _task(self) -> dict[str, Any]:
        """What the trials' scores depend on: with another scale, set or metric they cannot be compared."""
        checkpoint = (self.config.get("callback") or {}).get("checkpoint") or {}
        images = validated(OmegaConf.to_container(self.config, resolve=False))
        return {
            "scale": self.config.get("scale"),
            "validation": sorted(images),
            "images of the validation": images,
            "callback.checkpoint.monitor": checkpoint.get("monitor"),
            **{f"trainer.{key}": (self.config.get("trainer") or {}).get(key) for key in ("max_steps", "limit_val_batches")},
        }

    def _check_scales(self, space: dict[str, Any], fixed: list[str]) -> None:
        """Compose each searched choice of a config group before the first trial: it may set the scale."""
        for key, distribution in space.items():
            for choice in getattr(distribution, "choices", ()):
                if key == "scale" or is_group(key):
                    self.launcher.check_scales([self.launcher.job(0, [*fixed, f"{key}={choice}"])])


def _unfinished(study: Any) -> list[tuple[int, list[str]]]:
    """Unfinished trials of a stopped search: number and overrides."""
    found = []
    for trial in study.trials:
        if not trial.state.is_finished():
            if "words" in trial.user_attrs:
                found.append((trial.number, trial.user_attrs["words"]))
            else:  # killed before it started
                study.tell(trial.number, state=type(trial.state).FAIL)
    return found


def _tell(study: Any, number: int, outcome: Outcome) -> None:
    """How a trial ended; a stopped one stays unfinished."""
    from optuna.trial import TrialState

    if outcome.status == "pruned":
        study.tell(number, state=TrialState.PRUNED)
    elif outcome.status == "done" and outcome.score is not None:
        study.tell(number, outcome.score)
    elif outcome.status not in ("stopped", "not started"):
        study.tell(number, state=TrialState.FAIL)


def _distribution(override: Override) -> Any:
    """Optuna's distribution for an override of Hydra's sweep syntax.

    Raises:
        InputError: glob, an interval that ends before it begins, or a log scale that starts at 0.
    """
    try:
        return _of(override)
    except ValueError as error:
        raise InputError(f"{override.input_line}: {error}") from None


def _of(override: Override) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    value = override.value()
    log = "log" in getattr(value, "tags", ())
    if isinstance(value, ChoiceSweep):
        return CategoricalDistribution(list(override.sweep_string_iterator()))
    if isinstance(value, RangeSweep):
        values = list(value.range())
        kind = IntDistribution if all(isinstance(number, int) for number in values) else FloatDistribution
        return kind(values[0], values[-1], step=value.step)
    if isinstance(value, IntervalSweep):
        kind = IntDistribution if isinstance(value.start, int) and isinstance(value.end, int) else FloatDistribution
        return kind(value.start, value.end, log=log)
    raise InputError("not a search space; pass interval(a,b), range(a,b), choice(a,b)")
