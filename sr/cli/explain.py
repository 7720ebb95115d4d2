"""One line for an error that the user can mend. Every other error is a defect, ours or a user's own module's: it has None.

What Hydra and OmegaConf say is recognised by its English in one table, `ANSWERS`; tests/cli/test_explain.py provokes each row.
"""

import errno
import importlib
import inspect
import re
from collections.abc import Callable
from importlib.util import find_spec

import yaml
from hydra.errors import HydraException, OverrideParseException
from hydra.utils import get_object
from omegaconf.errors import InterpolationKeyError, MissingMandatoryValue, OmegaConfBaseException

from sr.cli import composed, groups
from sr.cli.words import quoted
from sr.errors import LIBRARIES, UserError

_MENDABLE = (UserError, HydraException, OmegaConfBaseException)
# The machine's: no permission, a full or broken disk, a name that is too long.
_MACHINE = (errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENAMETOOLONG, errno.EMFILE)
# Keys that take a list of values.
_LISTS = ("input", "ckpt", "runs", "votes", "data.train", "logger.wandb.tags", "schedule.milestones")
_LISTS += ("augmentation", "benchmark", "callback", "degradation", "logger", "loss", "metric", "published", "validation")


def explain(error: Exception, config_name: str) -> str | None:
    """One line for an error that the user can mend; None for a defect of the program."""
    cause: BaseException = error
    while cause.__cause__ is not None and (isinstance(cause, HydraException) or not isinstance(cause, _MENDABLE)):
        cause = cause.__cause__  # an error that we raised from a library's says more than the library's
    text = " ".join(str(error).split())
    if isinstance(error, HydraException | OmegaConfBaseException):
        if isinstance(cause, UserError):
            return _first_line(cause) + _where(text)
        for pattern, answer in ANSWERS:
            if (found := re.search(pattern, text)) and (line := answer(found, cause, config_name)):
                return line
        if (call := _call(text, cause)) is not None:
            return call
    if isinstance(cause, _MENDABLE) or _target(text).startswith(LIBRARIES):
        return _first_line(cause) + _where(text)
    if isinstance(cause, yaml.MarkedYAMLError) and cause.problem_mark is not None:
        return f"{cause.problem_mark.name}, line {cause.problem_mark.line + 1}: not YAML, {cause.problem}"
    if type(cause).__name__ in ("MisconfigurationException", "CommError"):
        return _first_line(cause)
    if isinstance(cause, OSError) and cause.errno in _MACHINE:
        return _first_line(cause)
    if isinstance(cause, MemoryError) or type(cause).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(cause):
        return f"out of memory ({_first_line(cause)}): a smaller data.batch_size, data.patch_size or image needs less"
    return None


def _unreadable(found: re.Match, cause: BaseException, config_name: str) -> str | None:
    if not isinstance(cause, OverrideParseException):
        return None
    if "=" not in cause.override:
        return f"{cause.override}: a word is KEY=VALUE"
    return f"{cause.override}: {in_quotes(cause.override)}"


def _several(found: re.Match, cause: BaseException, config_name: str) -> str:
    key, _, value = found[1].partition("=")
    bracketed = f"a list goes in brackets, '{key}=[{value}]'; " if key.lstrip("+") in _LISTS else ""
    sweep = "one run for each value needs -m; " if config_name == "train" else ""
    return f"{found[1]}: {sweep}{bracketed}{in_quotes(found[1])}"


def _no_such_entry(found: re.Match, cause: BaseException, config_name: str) -> str | None:
    """KEY={name:value}, where KEY has no such name; or an interpolation in a value."""
    key = found[1]
    if isinstance(cause, InterpolationKeyError | MissingMandatoryValue):
        return f"{key}: {_first_line(cause)}"
    if new := re.search(rf"full_key: ({re.escape(key)}.*)\.(\w+)", str(cause)):
        return f"{new[1]} has no key {new[2]}; +{new[1]}.{new[2]}=... adds one, and keeps the others"
    return None


def _unknown(found: re.Match, cause: BaseException, config_name: str) -> str:
    key = found[1].split("@")[-1]
    if having := composed.swept_with(key, config_name):
        return f"{key}: not every job of this sweep has it, but {', '.join(having)} has; ++{key}=... gives it to all"
    if (groups.CONF / key).is_dir():
        train = config_name == "train"
        return f"the chosen recipe has no {key}; choose a model=... that has one" if train else f"{config_name}.py has no {key}"
    return f"unknown config key '{key}'{groups.nearest(key, composed.keys(config_name))}"


def _no_choice(found: re.Match, cause: BaseException, config_name: str) -> str:
    choices = groups.choices(found[1])
    return f"{found[1]}={found[2]} is not there{groups.nearest(found[2], choices)}; choices: {', '.join(choices)}"


def _no_config(found: re.Match, cause: BaseException, config_name: str) -> str:
    return f"no config '{found[1]}'{groups.nearest(found[1], groups.names())}"


def _nothing_to_delete(found: re.Match, cause: BaseException, config_name: str) -> str:
    return f"~{found[1]}: there is no {found[1]} to take out{groups.nearest(found[1], composed.keys(config_name))}"


def _there_already(found: re.Match, cause: BaseException, config_name: str) -> str:
    return f"{found[1]} is there already: pass {found[1]}=... without +"


def _twice(found: re.Match, cause: BaseException, config_name: str) -> str:
    return (
        f"{found[1]} is chosen twice: pass {found[1]}={found[2]} without +; in a YAML write 'override /{found[1]}: {found[2]}'"
    )


def _missing(found: re.Match, cause: BaseException, config_name: str) -> str:
    return f"{found[1]} is missing: pass {found[1]}=... on the command line"


def _no_target(found: re.Match, cause: BaseException, config_name: str) -> str | None:
    """A class or function that is not there; None where its module is there and breaks while it is imported."""
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
    return f"{key}._target_={found[1]}: there is no module {parts[0]}; a folder in PYTHONPATH makes its modules known"


Answer = Callable[[re.Match, BaseException, str], str | None]
ANSWERS: tuple[tuple[str, Answer], ...] = (
    (r"Error parsing override|no viable alternative|LexerNoViableAlt|token recognition|mismatched|extraneous", _unreadable),
    (r"Ambiguous value for argument '(.*)' 1\. To use", _several),
    (r"Could not override '([^']+)'", _no_such_entry),
    (r"Could not override '([\w./@-]+)'", _unknown),
    (r"Could not (?:find|load) '([\w./-]+)/([^'/]+)'", _no_choice),
    (r"Could not find '([\w-]+)'", _no_config),
    (r"Could not delete from config\. '([\w.]+)' does not exist", _nothing_to_delete),
    (r"Could not append to config\. An item is already at '([\w.]+)'", _there_already),
    (r"Multiple values for ([\w./@-]+)\. To override a value use 'override [^:]+: ([^']*)'", _twice),
    (r"Missing mandatory value: ([\w.]+)", _missing),
    (r"Error locating target '([\w.]+)'", _no_target),
)


def _call(text: str, cause: BaseException) -> str | None:
    """A config that names options which a class has not, or leaves out some that it needs.

    A TypeError from within a constructor is not the config's: its traceback ends in another file than Hydra's call.
    """
    target = _target(text)
    if not target or not isinstance(cause, TypeError) or not _of_hydras_call(cause):
        return None
    if keyword := re.search(r"unexpected keyword argument '([^']+)'", str(cause)):
        return f"'{keyword[1]}' is not an option of {target}{_where(text)}{groups.nearest(keyword[1], _keywords(target))}"
    if "takes no arguments" in str(cause):
        return f"{target} has no options{_where(text)}"
    if needed := re.search(r"missing \d+ required [\w-]+ arguments?: (.*)", str(cause)):
        names = re.findall(r"'(\w+)'", needed[1])
        return f"{target} needs {', '.join(names)}: pass {' '.join(f'+{_key(text)}.{name}=...' for name in names)}"
    return None


def _of_hydras_call(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith("hydra.")


def in_quotes(word: str) -> str:
    """How a word is written whose value is one text to Hydra (its grammar: https://hydra.cc, "Quoted values")."""
    key, _, value = word.partition("=")
    shell = re.sub(r'([\\"$`])', r"\\\1", f"{key}={quoted(value.replace('${', chr(92) + '${'))}")
    return f'a name with other characters than letters, digits and "-_./ " goes in quotes, "{shell}"'


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and " in DataLoader worker process " in lines[0]:  # torch puts the worker's traceback below
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
