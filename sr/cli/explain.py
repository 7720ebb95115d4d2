"""One-line messages for errors that the user can fix. Other errors are bugs, ours or in a user's module, and get None.

Hydra's and OmegaConf's errors are recognised by their English text in one table, `ANSWERS`; tests/cli/test_explain.py provokes
each row, so that an upgrade of Hydra that changes a text fails a test.
"""

import errno
import importlib
import inspect
import re
import traceback
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import yaml
from hydra.errors import HydraException, OverrideParseException
from hydra.utils import get_object
from omegaconf.errors import InterpolationKeyError, MissingMandatoryValue, OmegaConfBaseException

from sr.cli import composed, groups
from sr.cli.words import quoted
from sr.errors import LIBRARIES, UserError

_USER_ERRORS = (UserError, HydraException, OmegaConfBaseException)
# Errors of the system, not of the program: no permission, disk full or broken, name too long.
_SYSTEM_ERRNOS = (
    errno.EACCES,
    errno.EPERM,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EIO,
    errno.ENAMETOOLONG,
    errno.EMFILE,
)
# Keys that accept a list of values.
_LIST_KEYS = ("input", "ckpt", "runs", "votes", "data.train", "logger.wandb.tags", "schedule.milestones")
_LIST_KEYS += ("augmentation", "benchmark", "callback", "degradation", "logger", "loss", "metric", "published", "validation")


def explain(error: Exception, config_name: str) -> str | None:
    """One line for an error that the user can fix; None for a bug in the program."""
    cause: BaseException = error
    while cause.__cause__ is not None and (isinstance(cause, HydraException) or not isinstance(cause, _USER_ERRORS)):
        cause = cause.__cause__  # stop at an error of ours: it says more than the library error that caused it
    text = " ".join(str(error).split())
    if isinstance(error, HydraException | OmegaConfBaseException):
        if isinstance(cause, UserError):
            return _first_line(cause) + _where(text)
        for pattern, answer in ANSWERS:
            if (found := re.search(pattern, text)) and (line := answer(found, cause, config_name)):
                return line
        if (call := _bad_arguments(text, cause)) is not None:
            return call
    if isinstance(cause, _USER_ERRORS) or _target(text).startswith(LIBRARIES):
        return _first_line(cause) + _where(text)
    if isinstance(cause, yaml.MarkedYAMLError) and cause.problem_mark is not None:
        return f"{cause.problem_mark.name}, line {cause.problem_mark.line + 1}: invalid YAML: {cause.problem}"
    if type(cause).__name__ in ("MisconfigurationException", "CommError"):
        return _first_line(cause)
    if isinstance(cause, OSError) and cause.errno in _SYSTEM_ERRNOS:
        return _first_line(cause)
    if isinstance(cause, OSError) and cause.filename and _makes_folder(cause):
        return f"{cause.filename}: the folder cannot be made ({cause.strerror}): choose another output_dir"
    if isinstance(cause, MemoryError) or type(cause).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(cause):
        return f"out of memory ({_first_line(cause)}): reduce data.batch_size, data.patch_size or the image size"
    return None


def _makes_folder(error: OSError) -> bool:
    """Whether Hydra raised it while it made the folder of the run."""
    frames = traceback.extract_tb(error.__traceback__)
    return any(
        Path(frame.filename).parts[-3:] == ("hydra", "core", "utils.py") and "mkdir" in (frame.line or "") for frame in frames
    )


def _unreadable(found: re.Match, cause: BaseException, config_name: str) -> str | None:
    if not isinstance(cause, OverrideParseException):
        return None
    if "=" not in cause.override:
        return f"{cause.override}: expected KEY=VALUE"
    return f"{cause.override}: {in_quotes(cause.override)}"


def _several_values(found: re.Match, cause: BaseException, config_name: str) -> str:
    key, _, value = found[1].partition("=")
    bracketed = f"for a list, use brackets: '{key}=[{value}]'; " if key.lstrip("+") in _LIST_KEYS else ""
    sweep = "for one run per value, pass -m; " if config_name == "train" else ""
    return f"{found[1]}: {sweep}{bracketed}{in_quotes(found[1])}"


def _no_such_entry(found: re.Match, cause: BaseException, config_name: str) -> str | None:
    """KEY={name:value}, where KEY has no such name, or an interpolation in a value."""
    key = found[1]
    if isinstance(cause, InterpolationKeyError | MissingMandatoryValue):
        return f"{key}: {_first_line(cause)}"
    if new := re.search(rf"full_key: ({re.escape(key)}.*)\.(\w+)", str(cause)):
        return f"{new[1]} has no key {new[2]}; to add it, pass +{new[1]}.{new[2]}=..."
    return None


def _unknown(found: re.Match, cause: BaseException, config_name: str) -> str:
    key = found[1].split("@")[-1]
    if having := composed.swept_with(key, config_name):
        return f"{key}: only {', '.join(having)} of this sweep has this key; pass ++{key}=... to set it in all jobs"
    if (groups.CONF / key).is_dir():
        train = config_name == "train"
        return f"this recipe has no {key}; choose a model=... that has one" if train else f"{config_name}.py has no {key}"
    return f"unknown config key '{key}'{groups.nearest(key, composed.keys(config_name))}"


def _no_choice(found: re.Match, cause: BaseException, config_name: str) -> str:
    choices = groups.choices(found[1])
    return f"unknown {found[1]} '{found[2]}'{groups.nearest(found[2], choices)}; choices: {', '.join(choices)}"


def _no_config(found: re.Match, cause: BaseException, config_name: str) -> str:
    return f"no config '{found[1]}'{groups.nearest(found[1], groups.names())}"


def _nothing_to_delete(found: re.Match, cause: BaseException, config_name: str) -> str:
    return f"~{found[1]}: the config has no {found[1]} to delete{groups.nearest(found[1], composed.keys(config_name))}"


def _already_set(found: re.Match, cause: BaseException, config_name: str) -> str:
    return f"{found[1]} already exists: pass {found[1]}=... without +"


def _chosen_twice(found: re.Match, cause: BaseException, config_name: str) -> str:
    return f"{found[1]} is set twice: pass {found[1]}={found[2]} without +; in a YAML write 'override /{found[1]}: {found[2]}'"


def _missing(found: re.Match, cause: BaseException, config_name: str) -> str:
    return f"missing option: pass {found[1]}={_VALUES.get(found[1], '...')}"


def _no_target(found: re.Match, cause: BaseException, config_name: str) -> str | None:
    """A class or function that does not exist; None if its module exists but fails to import."""
    key, parts = _key(found.string), found[1].split(".")
    for end in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:end])
        try:
            if find_spec(module) is None:
                continue
        except (ImportError, ValueError):
            continue
        try:
            importlib.import_module(module)
        except Exception:
            return None
        return f"{key}._target_={found[1]}: {module} has no {'.'.join(parts[end:])}"
    return f"{key}._target_={found[1]}: no module named {parts[0]}; add its parent folder to PYTHONPATH"


# What to pass for a required key.
_VALUES = {"data.train": "DIR", "ckpt": "FILE", "input": "FILE_OR_DIR", "output": "FILE_OR_DIR", "runs": "DIR"}

Answer = Callable[[re.Match, BaseException, str], str | None]
ANSWERS: tuple[tuple[str, Answer], ...] = (
    (r"Error parsing override|no viable alternative|LexerNoViableAlt|token recognition|mismatched|extraneous", _unreadable),
    (r"Ambiguous value for argument '(.*)' 1\. To use", _several_values),
    (r"Could not override '([^']+)'", _no_such_entry),
    (r"Could not override '([\w./@-]+)'", _unknown),
    (r"Could not (?:find|load) '([\w./-]+)/([^'/]+)'", _no_choice),
    (r"Could not find '([\w-]+)'", _no_config),
    (r"Could not delete from config\. '([\w.]+)' does not exist", _nothing_to_delete),
    (r"Could not append to config\. An item is already at '([\w.]+)'", _already_set),
    (r"Multiple values for ([\w./@-]+)\. To override a value use 'override [^:]+: ([^']*)'", _chosen_twice),
    (r"Missing mandatory value: ([\w.]+)", _missing),
    (r"Error locating target '([\w.]+)'", _no_target),
)


def _bad_arguments(text: str, cause: BaseException) -> str | None:
    """A config with options that a class does not have, or without options that it requires.

    A TypeError raised inside a constructor is not the config's fault: its traceback does not end in Hydra's call.
    """
    target = _target(text)
    if not target or not isinstance(cause, TypeError) or not _raised_by_hydra(cause):
        return None
    if keyword := re.search(r"unexpected keyword argument '([^']+)'", str(cause)):
        return f"'{keyword[1]}' is not an option of {target}{_where(text)}{groups.nearest(keyword[1], _keywords(target))}"
    if "takes no arguments" in str(cause):
        return f"{target} has no options{_where(text)}"
    if needed := re.search(r"missing \d+ required [\w-]+ arguments?: (.*)", str(cause)):
        names = re.findall(r"'(\w+)'", needed[1])
        return f"{target} requires {', '.join(names)}: pass {' '.join(f'+{_key(text)}.{name}=...' for name in names)}"
    return None


def _raised_by_hydra(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith("hydra.")


def in_quotes(word: str) -> str:
    """How to quote a value so that Hydra reads it as one string (its grammar: https://hydra.cc, "Quoted values")."""
    key, _, value = word.partition("=")
    shell = re.sub(r'([\\"$`])', r"\\\1", f"{key}={quoted(value.replace('${', chr(92) + '${'))}")
    return f'quote a value that has characters other than letters, digits and "-_./ ": "{shell}"'


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and " in DataLoader worker process " in lines[0]:  # torch appends the worker's traceback
        return lines[-1].partition(": ")[2] or lines[-1]
    return lines[0] if lines else type(error).__name__


def _key(text: str) -> str:
    found = re.search(r"full_key: ([\w.]+)", text)
    return found[1] if found and found[1] != "object" else ""


def _where(text: str) -> str:
    return f" (config key {_key(text)})" if _key(text) else ""


def _target(text: str) -> str:
    found = re.search(r"Error in call to target '([^']+)'", text)
    return found[1] if found else ""


def _keywords(target: str) -> list[str]:
    return [name for name in inspect.signature(get_object(target)).parameters if name != "self"]
