"""A search's file and its pruner, for the sweeper that proposes the trials and for the trial that reports to it."""

import warnings
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from sr.errors import InputError

FILE, NAME = "search.log", "search"
SAMPLERS = {
    "tpe": optuna.samplers.TPESampler,
    "random": optuna.samplers.RandomSampler,
    "qmc": optuna.samplers.QMCSampler,
    "gp": optuna.samplers.GPSampler,
}
PRUNERS = {
    "median": optuna.pruners.MedianPruner,
    "hyperband": optuna.pruners.HyperbandPruner,
    "halving": optuna.pruners.SuccessiveHalvingPruner,
    "none": optuna.pruners.NopPruner,
}


def quiet() -> None:
    """Optuna's messages off the screen, but for errors."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def made(known: dict[str, type], key: str, name: str, options: dict[str, Any]) -> Any:
    """A sampler or pruner by its name.

    Raises:
        ValueError: no such name, or an option that it does not have.
    """
    if name not in known:
        raise InputError(f"hydra.sweeper.{key}={name}: choose {', '.join(known)}")
    try:
        return known[name](**options)
    except TypeError as error:
        raise InputError(f"hydra.sweeper.{key}_options: {error}") from error


def storage(file: str | Path) -> JournalStorage:
    """A file to which each process appends; one that was killed leaves it whole."""
    return JournalStorage(JournalFileBackend(str(file)))


def start(folder: Path, *, direction: str, pruner: str, pruner_options: dict[str, Any]) -> optuna.Study:
    """The search of a folder, a new one or the one that is there. Its pruner is kept in the file, for the trials.

    Raises:
        ValueError: a pruner or direction that is not there; a file of another direction, or that is none of a search.
    """
    if direction not in ("minimize", "maximize"):
        raise InputError(f"hydra.sweeper.direction={direction}: choose minimize or maximize")
    made(PRUNERS, "pruner", pruner, pruner_options)
    file = folder / FILE
    try:
        study = optuna.create_study(storage=storage(file), study_name=NAME, direction=direction, load_if_exists=True)
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError):  # a line that is not Optuna's
        raise InputError(f"{file}: not the file of a search, or damaged: mend it, or choose another output_dir") from None
    if study.direction.name.lower() != direction:
        raise InputError(f"{file} is of a search that wants to {study.direction.name.lower()}: choose another output_dir")
    study.set_user_attr("pruner", [pruner, pruner_options])
    return study


def check_task(study: optuna.Study, file: Path, task: dict[str, Any]) -> None:
    """Note what the scores of a new search are of.

    Raises:
        InputError: a search that goes on has scores of something else.
    """
    known = study.user_attrs.get("task")
    if known is None:
        study.set_user_attr("task", task)
        return
    known = {"validation": known.get("benchmark"), **known}  # searches before there were validation sets used the benchmarks
    for key, value in task.items():
        if key in known and known[key] != value:
            differs = f"{key}={known[key]}, not {value}"
            raise InputError(f"{file}: its trials have {differs}; scores of both cannot be compared: choose another output_dir")


def trial(file: str | Path, number: int) -> optuna.Trial:
    """The trial of that number, as its job reports to it.

    Raises:
        ValueError: no such trial.
    """
    kept = storage(file)
    study = optuna.load_study(storage=kept, study_name=NAME)
    name, options = study.user_attrs["pruner"]
    study.pruner = made(PRUNERS, "pruner", name, options)
    known = study.get_trials(deepcopy=False)
    if number >= len(known) or known[number].state.is_finished():
        raise InputError(f"{file}: its trial {number} is not running")
    return optuna.Trial(study, kept.get_trial_id_from_study_id_trial_number(kept.get_study_id_from_name(NAME), number))
