"""The command line: Hydra's main with one-line errors, suggestions and exit codes.

Exit codes: 0 success, 1 error (one line on stderr), 130 stopped by Ctrl-C, 143 by SIGTERM.
"""

import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from sr.cli import folders, named, names, words
from sr.cli.explain import explain
from sr.cli.groups import CONF
from sr.cli.project import with_project
from sr.errors import InputError


def _check_lists(chosen: list[str]) -> None:
    """Refuse a stage that is listed twice: Hydra would silently merge the two into one.

    Raises:
        InputError: a list names one stage twice, or two YAMLs with the same key (blur and blur_anisotropic).
    """
    for word in chosen:
        group, _, value = word.partition("=")
        chain = group in ("degradation", "augmentation") and value.startswith("[")
        files = [CONF / group / f"{name.strip()}.yaml" for name in value[1:-1].split(",")] if chain else []
        seen: dict[str, str] = {}
        for file in filter(Path.is_file, files):
            for key in OmegaConf.load(file).keys() - {"defaults"}:
                if key in seen:
                    raise InputError(
                        f"{word}: {seen[key]} and {file.stem} both set {group}.{key}; give the second stage its own name: "
                        f"+{group}.{key}2='${{{group}.{key}}}'"
                    )
                seen[key] = file.stem


def plain_warnings() -> None:
    """Print warnings in one line, without the source line that raised them."""
    warnings.formatwarning = lambda message, *_: f"warning: {message}\n"


def entry(config_name: str, expanded: Callable[[list[str]], list[str]] = lambda words: words) -> Callable:
    """Decorator: the function becomes the entry point of `conf/<config_name>.yaml`.

    Args:
        config_name: name of the config, without extension.
        expanded: turns the arguments of the command line into those that Hydra reads.
    """
    for resolver in (names.run_dir, names.job_name, names.job_folder, names.job_number):
        OmegaConf.register_new_resolver(resolver.__name__, resolver, replace=True)

    def decorate(task: Callable[[DictConfig], object]) -> Callable[[], None]:
        @wraps(task)
        def job(cfg: DictConfig) -> object:
            """Handle errors of a single run here, before Hydra adds its own lines; a sweep handles the errors of its jobs."""
            try:
                _check_lists(names.overrides())
                words.settle(cfg)
                return task(cfg)
            except Exception as error:
                if HydraConfig.get().mode == RunMode.RUN:
                    _exit(error, config_name)
                raise
            finally:
                folders.clear()  # a job that failed early leaves its folder empty

        def main() -> None:
            os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # otherwise Hydra prints its own long messages
            os.environ.setdefault("SR_STARTED", time.strftime("%Y-%m-%d_%H-%M-%S"))  # one folder for all its processes
            plain_warnings()
            signal.signal(signal.SIGTERM, _interrupt)
            try:
                sys.argv[1:] = expanded(words.typed(with_project(named.in_order(sys.argv[1:]))))
                hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)(job)()
            except BaseException as error:
                _exit(error, config_name)

        return main

    return decorate


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Handle SIGTERM like Ctrl-C, so that temporary files are removed. Training and sweeps have their own handlers."""
    raise KeyboardInterrupt(number)


def _exit(error: BaseException, config_name: str) -> NoReturn:
    """Exit with one line and code 1 for errors that the user can fix; with a traceback for bugs (or SR_TRACEBACK=1)."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__context__  # Lightning turns it into SystemExit(1), a DataLoader whose workers got it into an error
    if cause is not None and getattr(error, "code", 1) == 1:  # other codes: already reported
        print("\nstopped", file=sys.stderr)
        sys.exit(128 + (*cause.args, signal.SIGINT)[0])
    if not isinstance(error, Exception):
        raise error
    if _reported_elsewhere(error):
        sys.exit(1)
    message = explain(error, config_name)
    if message is None or os.environ.get("SR_TRACEBACK"):
        traceback.print_exception(error)
    else:
        print(f"error: {message}", file=sys.stderr)
    sys.exit(1)


def _reported_elsewhere(error: Exception) -> bool:
    """In a run of several processes: whether another process has the cause, or the parent has printed the same error."""
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
