"""A project of one's own: the folder `conf` where a command is called, and the packages beside it."""

import os
import sys
from pathlib import Path

from sr.cli import groups
from sr.cli.groups import CONF
from sr.cli.named import config_dirs


def with_project(words: list[str]) -> list[str]:
    """The words of a command line, with `--config-dir` for the folder `conf` in the current folder, which is said.

    It counts if it has a config group with a YAML, and only if the words name no `--config-dir`. Packages beside these folders
    can be imported.
    """
    own = Path.cwd() / "conf"
    if not config_dirs(words) and _is_project(own):
        words = [f"--config-dir={own}", *words]
        if "LOCAL_RANK" not in os.environ:
            print(f"configs of this folder are used too: {own}", file=sys.stderr)
    beside = [str(Path(folder).parent) for folder in config_dirs(words)]
    sys.path += [folder for folder in dict.fromkeys(beside) if folder not in sys.path]
    return words


def _is_project(folder: Path) -> bool:
    return folder.resolve() != CONF and any(any((folder / group).glob("*.yaml")) for group in groups.names())
