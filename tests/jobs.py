"""Small jobs for tests: the real config, shrunk, in this process; or a real command line in an empty folder."""

import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from pathlib import Path

import hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

ROOT = Path(__file__).resolve().parent.parent
CONF = ROOT / "conf"

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
    plain = {key: word for key, word in last.items() if re.fullmatch(r"[a-z]\w*(\.\w+)*", key) and not (CONF / key).is_dir()}
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
    """The small recipe in this process, measured on one photo."""
    from train import train

    return train(compose("train", *SMALL, *ONE_PHOTO, *overrides))


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


@contextmanager
def small_files(limit: int) -> Iterator[None]:
    """No file of this process grows beyond `limit` bytes, which a program sees as it sees a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
