"""Small jobs for tests: the real config, shrunk; a whole command line in this process, or in one of its own."""

import logging
import os
import re
import resource
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from copy import deepcopy
from functools import cache
from importlib import import_module
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

ROOT = Path(__file__).resolve().parent.parent
CONF = ROOT / "conf"
VALUE = re.compile(r"(?!hydra\.)[a-z]\w*(\.\w+)*")  # the key of a word that sets a value, or chooses from a group

SMALL = (  # of the default recipe what trains in a second
    "network.n_feats=8",
    "network.n_blocks=1",
    "data.batch_size=4",
    "data.patch_size=16",
    "data.n_workers=0",
    "trainer.accelerator=cpu",
    "trainer.precision=32-true",
    "trainer.max_steps=8",
    "trainer.val_check_interval=4",
    "trainer.log_every_n_steps=2",
    "logger=csv",
)
IMAGE = OmegaConf.load(CONF / "image" / "photo.yaml")  # for parts of a config that interpolate it
ONE_PHOTO = ("trainer.limit_val_batches=1", "trainer.limit_test_batches=1")


def compose(name: str, *overrides: object) -> DictConfig:
    """conf/<name>.yaml as the command line composes it; a later override of a key wins.

    Hydra composes the same groups once, which takes most of the time; values are set afterwards, as it sets them.
    """
    import sr.cli  # noqa: F401, its resolvers

    last = {str(word).split("=")[0]: str(word) for word in overrides}
    plain = {key: word for key, word in last.items() if VALUE.fullmatch(key) and not (CONF / key).is_dir()}
    try:
        cfg = deepcopy(_composed(name, tuple(word for key, word in last.items() if key not in plain)))
        for override in OverridesParser.create().parse_overrides(list(plain.values())):
            OmegaConf.update(cfg, override.key_or_group, override.value())
        return cfg
    except OmegaConfBaseException:
        return _composed.__wrapped__(name, tuple(last.values()))  # with Hydra's own error


@cache
def _composed(name: str, words: tuple[str, ...]) -> DictConfig:
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        return hydra.compose(name, list(words))


def run_train(*overrides: object) -> float | None:
    """The small recipe in this process, measured by its PSNR on one photo; the photos are decoded once."""
    from sr.cli.train import train

    words = [*SMALL, *ONE_PHOTO, "metric=[psnr]", *overrides]
    if not any(str(word).startswith(("data=", "data.cache_dir=", "resume=")) for word in words):
        words.append(f"data.cache_dir={_decoded().name}")
    return train(compose("train", *words))


@cache
def _decoded() -> TemporaryDirectory:
    return TemporaryDirectory(prefix="decoded_")


def command(script: str, *words: object) -> list[str]:
    """The words of a command line with this Python."""
    return [sys.executable, str(ROOT / script), *map(str, words)]


def environment(home: Path, **variables: str) -> dict[str, str]:
    """That of a user who is logged in nowhere and has no data."""
    hidden = ("SR_DATA", "WANDB_API_KEY", "WANDB_MODE", "LOCAL_RANK", "PL_GLOBAL_SEED")
    own = {key: value for key, value in os.environ.items() if key not in hidden}
    return {**own, "HOME": str(home), "OMP_NUM_THREADS": "1", **variables}


def call(script: str, *words: object, cwd: Path, timeout: float = 120, **variables: str) -> subprocess.CompletedProcess:
    """A real command line, in an empty folder."""
    return subprocess.run(
        command(script, *words), capture_output=True, text=True, cwd=cwd, env=environment(cwd, **variables), timeout=timeout
    )


def run_script(script: str, *words: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess:
    """The same command line in this process: its code, output and errors, without the seconds that its imports take."""
    with ExitStack() as stack:
        out, err = stack.enter_context(redirect_stdout(StringIO())), stack.enter_context(redirect_stderr(StringIO()))
        stack.enter_context(_as_a_new_process_says_it(err))
        stack.enter_context(_as_it_was())
        own = environment(cwd, **variables)
        os.environ.clear()
        os.environ.update(own)
        os.chdir(cwd)
        sys.argv = [str(ROOT / script), *map(str, words)]
        if "PYTHONPATH" in variables:
            stack.callback(_forget, variables["PYTHONPATH"])
            sys.path.insert(0, variables["PYTHONPATH"])
        try:
            code = import_module(Path(script).stem).main()
        except SystemExit as stopped:
            code = stopped.code
        if "wandb" in sys.modules:
            sys.modules["wandb"].teardown()  # its service keeps the variables of the process that started it
    return subprocess.CompletedProcess(words, code or 0, out.getvalue(), err.getvalue())


@contextmanager
def _as_it_was() -> Iterator[None]:
    """Whatever happens inside, this process has its variables, folder, words, signals and Hydra's config again."""
    variables, folder, words, path = dict(os.environ), Path.cwd(), sys.argv, sys.path[:]
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)}
    hydra_before = HydraConfig.instance().cfg
    try:
        yield
    finally:
        GlobalHydra.instance().clear()
        HydraConfig.instance().cfg = hydra_before
        for number, handler in signals.items():
            signal.signal(number, handler)
        os.environ.clear()
        os.environ.update(variables)
        os.chdir(folder)
        sys.argv, sys.path[:] = words, path


def _forget(folder: str) -> None:
    """Modules that were imported from a folder which is not on the path any more."""
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(folder):
            del sys.modules[name]


@contextmanager
def _as_a_new_process_says_it(err: TextIO) -> Iterator[None]:
    """Warnings and log lines go to `err`; each warning is new."""

    def show(message, category, filename, lineno, file=None, line=None) -> None:
        err.write(warnings.formatwarning(message, category, filename, lineno, line))

    loggers = [logging.root, *(one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger))]
    handlers = {handler for one in loggers for handler in one.handlers if type(handler) is logging.StreamHandler}
    streams, form = {handler: handler.setStream(err) for handler in handlers}, warnings.formatwarning
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
                warnings.simplefilter("ignore", category)
            warnings.showwarning = show
            yield
    finally:
        warnings.formatwarning = form
        for handler, stream in streams.items():
            handler.setStream(stream or sys.__stderr__)


@contextmanager
def small_files(limit: int) -> Iterator[None]:
    """No file of this process grows beyond `limit` bytes, which a program sees as it sees a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
