"""The config groups of conf/: their choices, and the nearest of them to a misspelt word."""

import difflib
from pathlib import Path

CONF = Path(__file__).resolve().parent.parent.parent / "conf"


def names() -> list[str]:
    """The groups themselves: data, model, network ..."""
    return sorted(folder.name for folder in CONF.iterdir() if folder.is_dir())


def choices(group: str) -> list[str]:
    """What a group has: `network` has edsr, srcnn ..."""
    return sorted(file.stem for file in (CONF / group).glob("*.yaml"))


def nearest(word: str, valid: list[str]) -> str:
    """The end of a message: what a misspelt word may have meant; empty where nothing is near."""
    near = difflib.get_close_matches(word, valid, n=3, cutoff=0.5)
    leaf = word.rsplit(".", 1)[-1]
    near += [key for key in valid if key.rsplit(".", 1)[-1] == leaf and key not in near][:2]
    return f"; nearest: {', '.join(near)}" if near else ""
