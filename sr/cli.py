"""The command line: Hydra's main, with errors in one line, nearest valid choices and exit codes.

Exit codes: 0 done, 1 an error (one line on stderr), 130 stopped by Ctrl-C, 143 by SIGTERM.
"""

import difflib
import errno
import os
import re
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import NoReturn

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError, MissingMandatoryValue, OmegaConfBaseException

from sr import lean
from sr.errors import LIBRARIES, InputError, UserError
from sr.files import run_of

_MENDABLE = (UserError, HydraException, OmegaConfBaseException)
# The machine's: no permission, a full or broken disk, a name that is too long.
_MACHINE = (errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENAMETOOLONG, errno.EMFILE)
CONF = Path(__file__).resolve().parent.parent / "conf"


def run_dir(output_dir: str | None, resume: str | None, name: str, now: str) -> str:
    """Folder of a run: what the user says, else that of the run it resumes, else outputs/NAME/DATE_TIME."""
    if output_dir:
        return output_dir
    if resume:
        return str(run_of(resume))
    return f"outputs/{name}/{now}"


def job_name(overrides: list[str]) -> str:
    """A sub-folder's name for a job of a sweep, from what the sweep varies: `model-srcnn_seed-1`."""
    return _as_name(_varied(overrides) or list(overrides)) or "run"


def job_folder(variant: str | None, number: int, overrides: list[str]) -> str:
    """`0_model-srcnn_seed-1`; in a study `srcnn_seed-1`, whatever else is run."""
    if variant is None:
        return f"{number}_{job_name(overrides)}"
    return _as_name([variant, *(word for word in _varied(overrides) if not word.startswith("variant="))])


def job_number() -> int | None:
    """Which job of its sweep this is."""
    return None if OmegaConf.is_missing(HydraConfig.get().job, "num") else HydraConfig.get().job.num


def _varied(overrides: list[str]) -> list[str]:
    """Those words of a job that differ between jobs of its sweep."""
    swept = {word.split("=")[0] for word in sys.argv[1:] if _is_sweep(word)}
    if HydraConfig.initialized():
        swept |= (HydraConfig.get().sweeper.get("params") or {}).keys()
    return [word for word in overrides if word.split("=")[0] in swept]


def _is_sweep(word: str) -> bool:
    """Whether a word gives its key several values: a,b or range(1,4), choice(a,b), glob(*)."""
    with suppress(HydraException):
        return OverridesParser.create().parse_override(word).is_sweep_override()
    return False


def _check_lists(words: list[str]) -> None:
    """Hydra merges what a list names twice into one, at the place of the first: no second blur, no second noise.

    Raises:
        ValueError: a chain's list names one stage twice, or two YAMLs of one key (blur and blur_anisotropic).
    """
    for word in words:
        room, _, value = word.partition("=")
        chain = room in ("degradation", "augmentation") and value.startswith("[")
        files = [CONF / room / f"{name.strip()}.yaml" for name in value[1:-1].split(",")] if chain else []
        seen: dict[str, str] = {}
        for file in filter(Path.is_file, files):
            for key in OmegaConf.load(file).keys() - {"defaults"}:
                if key in seen:
                    raise InputError(
                        f"{word}: {seen[key]} and {file.stem} are both {room}.{key}, of which there is one; a second stage has "
                        f"a name of its own, +{room}.{key}2='${{{room}.{key}}}'"
                    )
                seen[key] = file.stem


def _as_name(words: list[str]) -> str:
    return re.sub(r"[^\w.+-]+", "-", "_".join(words)).strip("-")[:120]


def run_folder(cfg: DictConfig) -> str:
    """The folder that Hydra chose for this job; outside a command line what the config says."""
    return HydraConfig.get().runtime.output_dir if HydraConfig.initialized() else str(cfg.output_dir)


def overrides() -> list[str]:
    """What the command line of this job says, without Hydra's own keys."""
    return list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []


def choice(room: str, default: str) -> str:
    """What this job's config chose in a room (`model=edsr`: edsr)."""
    chosen = HydraConfig.get().runtime.choices.get(room) if HydraConfig.initialized() else None
    return chosen or default


def called(default: str = "network") -> str:
    """What tables call this job's network: by its own config where the command line chose it, else by the model's."""
    own = any(word.startswith("network=") for word in overrides())
    return choice("network" if own else "model", default)


def plain_warnings() -> None:
    """Print warnings in one line, without the source line that gave them."""
    warnings.formatwarning = lambda message, *_: f"warning: {message}\n"


def entry(config_name: str) -> Callable:
    """Decorator: the function becomes the entry point of `conf/<config_name>.yaml`."""
    OmegaConf.register_new_resolver("run_dir", run_dir, replace=True)
    OmegaConf.register_new_resolver("job_name", job_name, replace=True)
    OmegaConf.register_new_resolver("job_folder", job_folder, replace=True)
    OmegaConf.register_new_resolver("job_number", job_number, replace=True)

    def decorate(task: Callable[[DictConfig], object]) -> Callable[[], None]:
        @wraps(task)
        def job(cfg: DictConfig) -> object:
            """Errors of a single run end here, before Hydra adds lines of its own; a sweep decides about its jobs itself."""
            try:
                _check_lists(overrides())
                return task(cfg)
            except Exception as error:
                if HydraConfig.get().mode == RunMode.RUN:
                    _leave(error, config_name)
                raise
            finally:
                with suppress(OSError):  # Hydra has made the folder; a job that failed early left nothing in it
                    os.removedirs(os.path.relpath(run_folder(cfg)))

        def main() -> None:
            os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # else Hydra prints its own pages of them
            os.environ.setdefault("SR_STARTED", time.strftime("%Y-%m-%d_%H-%M-%S"))  # one folder for all its processes
            plain_warnings()
            lean.install()
            signal.signal(signal.SIGTERM, _interrupt)
            try:
                if config_name == "train":
                    sys.argv[1:] = _expanded(sys.argv[1:])
                hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)(job)()
            except BaseException as error:
                _leave(error, config_name)

        return main

    return decorate


def _expanded(words: list[str]) -> list[str]:
    """The command line that `resume=FILE` or `reproduce=RUN_DIR` stands for."""
    if any(word.startswith("resume=") for word in words):
        from sr.resume import command_line  # not above: it imports torch
    elif any(word.startswith("reproduce=") for word in words):
        from sr.rerun import command_line
    else:
        return words
    return command_line(words)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """SIGTERM as Ctrl-C: what was begun is cleared away. Trainings and sweeps, which save first, have handlers of their own."""
    raise KeyboardInterrupt(number)


def _leave(error: BaseException, config_name: str) -> NoReturn:
    """One line and exit code 1 for what the user can mend, the traceback for a defect (or with SR_TRACEBACK=1)."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__context__  # Lightning makes SystemExit(1) of it, a DataLoader whose workers got the signal an error
    if cause is not None and getattr(error, "code", 1) == 1:  # else it has been said
        print("\nstopped", file=sys.stderr)
        sys.exit(128 + (*cause.args, signal.SIGINT)[0])
    if not isinstance(error, Exception):
        raise error
    if _said_elsewhere(error):
        sys.exit(1)
    message = explain(error, config_name)
    if message is None or os.environ.get("SR_TRACEBACK"):
        traceback.print_exception(error)
    else:
        print(f"error: {message}", file=sys.stderr)
    sys.exit(1)


def _said_elsewhere(error: Exception) -> bool:
    """In a run of several processes: whether another of them has the cause, or the one that started this said the same."""
    if "LOCAL_RANK" not in os.environ:
        return False
    if "Connection closed by peer" in str(error) or type(error).__name__.startswith("Dist"):
        return True
    parent, end = os.getppid(), time.monotonic() + 3
    while os.environ["LOCAL_RANK"] != "0" and time.monotonic() < end:
        if os.getppid() != parent:
            return True
        time.sleep(0.05)
    return False


def explain(error: Exception, config_name: str) -> str | None:
    """One line for an error that the user can mend; None for a defect of the program."""
    cause = error
    while cause.__cause__ is not None and (isinstance(cause, HydraException) or not isinstance(cause, _MENDABLE)):
        cause = cause.__cause__  # an error that we raised from a library's says more than the library's
    text = " ".join(str(error).split())
    where = re.search(r"full_key: ([\w.]+)", text)
    where = f" (config key {where[1]})" if where and where[1] != "object" else ""
    if isinstance(cause, OverrideParseException):
        return f"{cause.override}: {_quoted(cause.override)}"
    if several := re.search(r"Ambiguous value for argument '(.*)' 1\. To use", text):
        return f"{several[1]}: one run for each value wants -m, a list [brackets]; {_quoted(several[1])}"
    if unknown := re.search(r"Could not override '([^']+)'", text):
        if isinstance(cause, InterpolationKeyError | MissingMandatoryValue):
            return f"{unknown[1]}: {_first_line(cause)}"
        if new := re.search(rf"full_key: ({re.escape(unknown[1])}.*)\.(\w+)", str(cause)):  # KEY={name:value}
            return f"{new[1]} has no key {new[2]}; +{new[1]}.{new[2]}=... adds one, and keeps the others"
        return _unknown(unknown[1], config_name)
    if unknown := re.search(r"Could not (?:find|load) '([\w./-]+)/([^'/]+)'", text):
        choices = _choices(unknown[1])
        return f"{unknown[1]}={unknown[2]} is not there{_nearest(unknown[2], choices)}; choices: {', '.join(choices)}"
    if unknown := re.search(r"Could not find '([\w-]+)'", text):
        groups = [folder.name for folder in CONF.iterdir() if folder.is_dir()]
        return f"no config '{unknown[1]}'{_nearest(unknown[1], groups)}"
    if unknown := re.search(r"Could not override '?([\w./-]+)'?[. ]", text):
        return _unknown(unknown[1], config_name)
    keyword = re.search(r"unexpected keyword argument '([^']+)'", str(cause))
    if keyword and _target(text):
        return f"'{keyword[1]}' is not an option of {_target(text)}{where}{_nearest(keyword[1], _keywords(_target(text)))}"
    if missing := re.search(r"Missing mandatory value: ([\w.]+)", text):
        return f"say {missing[1]}=... on the command line"
    if isinstance(cause, _MENDABLE) or _target(text).startswith(LIBRARIES):
        return _first_line(cause) + where
    if type(cause).__name__ in ("MisconfigurationException", "CommError") or getattr(cause, "errno", None) in _MACHINE:
        return _first_line(cause)
    if type(cause).__name__ == "OutOfMemoryError":
        return f"{_first_line(cause)} Smaller data.batch_size or data.patch_size need less."
    return None


def _quoted(word: str) -> str:
    """How a word is written whose value is one text to Hydra (its grammar: https://hydra.cc, "Quoted values")."""
    key, _, value = word.partition("=")
    value = os.path.expanduser(value).replace("'", "\\'").replace("${", "\\${")
    shell = re.sub(r'([\\"$`])', r"\\\1", f"{key}='{value}'")
    return f'a name with other characters than letters, digits and "-_./ " goes in quotes, "{shell}"'


def _unknown(key: str, config_name: str) -> str:
    if (CONF / key).is_dir():
        train = config_name == "train"
        return f"the chosen recipe has no {key}; choose a model=... that has one" if train else f"{config_name}.py has no {key}"
    return f"unknown config key '{key}'{_nearest(key, _config_keys(config_name))}"


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and " in DataLoader worker process " in lines[0]:  # torch puts the worker's traceback below
        return lines[-1].partition(": ")[2] or lines[-1]
    return lines[0] if lines else type(error).__name__


def _nearest(word: str, valid: list[str]) -> str:
    near = difflib.get_close_matches(word, valid, n=3, cutoff=0.5)
    leaf = word.rsplit(".", 1)[-1]
    near += [key for key in valid if key.rsplit(".", 1)[-1] == leaf and key not in near][:2]
    return f"; nearest: {', '.join(near)}" if near else ""


def _choices(group: str) -> list[str]:
    return sorted(file.stem for file in (CONF / group).glob("*.yaml"))


def _config_keys(config_name: str) -> list[str]:
    """All keys of the config that the valid overrides of this command line compose."""
    groups = {folder.name for folder in CONF.iterdir() if folder.is_dir()}
    chosen = [word for word in sys.argv[1:] if word.split("=")[0].split("/")[0] in groups and "," not in word.split("=")[1]]
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        for overrides in (chosen, []):
            try:
                config = hydra.compose(config_name, overrides)
            except HydraException:
                continue
            return sorted(_flatten(OmegaConf.to_container(config, resolve=False))) + sorted(groups)
    return sorted(groups)


def _flatten(node: object, prefix: str = "") -> list[str]:
    if not isinstance(node, dict):
        return [prefix]
    return [key for name, child in node.items() for key in _flatten(child, f"{prefix}.{name}" if prefix else str(name))]


def _target(text: str) -> str:
    found = re.search(r"Error in call to target '([^']+)'", text)
    return found[1] if found else ""


def _keywords(target: str) -> list[str]:
    import inspect

    from hydra.utils import get_object

    return [name for name in inspect.signature(get_object(target)).parameters if name != "self"]
