"""The file and the pruner of a search, used by the sweeper that proposes trials and by the trials that report to it."""

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
    """Silence Optuna's messages, except errors."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def made(known: dict[str, type], key: str, name: str, options: dict[str, Any]) -> Any:
    """A sampler or pruner by name.

    Raises:
        InputError: unknown name, or an unknown option.
    """
    if name not in known:
        raise InputError(f"hydra.sweeper.{key}={name}: choose {', '.join(known)}")
    try:
        return known[name](**options)
    except TypeError as error:
        raise InputError(f"hydra.sweeper.{key}_options: {error}") from error


def storage(file: str | Path) -> JournalStorage:
    """A file to which each process appends; it stays valid if a process is killed."""
    return JournalStorage(JournalFileBackend(str(file)))


def start(folder: Path, *, direction: str, pruner: str, pruner_options: dict[str, Any]) -> optuna.Study:
    """The search in a folder, created if needed. Its pruner is stored in the file, for the trials.

    Raises:
        InputError: unknown pruner or direction; a file with another direction, or not a search file.
    """
    if direction not in ("minimize", "maximize"):
        raise InputError(f"hydra.sweeper.direction={direction}: choose minimize or maximize")
    made(PRUNERS, "pruner", pruner, pruner_options)
    file = folder / FILE
    try:
        study = optuna.create_study(storage=storage(file), study_name=NAME, direction=direction, load_if_exists=True)
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError):  # a line that Optuna did not write
        raise InputError(f"{file}: not a search file, or damaged: repair it, or choose another output_dir") from None
    if study.direction.name.lower() != direction:
        raise InputError(f"{file} belongs to a search with direction {study.direction.name.lower()}: choose another output_dir")
    study.set_user_attr("pruner", [pruner, pruner_options])
    return study


def check_task(study: optuna.Study, file: Path, task: dict[str, Any]) -> None:
    """Record which scores a new search optimises.

    Raises:
        InputError: a continued search has scores of something else.
    """
    known = study.user_attrs.get("task")
    if known is None:
        study.set_user_attr("task", task)
        return
    known = {"validation": known.get("benchmark"), **known}  # older searches had no validation sets and used the benchmarks
    for key, value in task.items():
        if key in known and known[key] != value:
            differs = f"{key}={known[key]} instead of {value}"
            raise InputError(f"{file}: its trials have {differs}, so scores cannot be compared: choose another output_dir")


def trial(file: str | Path, number: int) -> optuna.Trial:
    """The trial with this number, to which its job reports.

    Raises:
        InputError: no such trial.
    """
    kept = storage(file)
    study = optuna.load_study(storage=kept, study_name=NAME)
    name, options = study.user_attrs["pruner"]
    study.pruner = made(PRUNERS, "pruner", name, options)
    known = study.get_trials(deepcopy=False)
    if number >= len(known) or known[number].state.is_finished():
        raise InputError(f"{file}: its trial {number} is not running")
    return optuna.Trial(study, kept.get_trial_id_from_study_id_trial_number(kept.get_study_id_from_name(NAME), number))
