"""The config groups of conf/, their choices, and suggestions for misspelt names."""

import difflib
from pathlib import Path

CONF = (Path(__file__).resolve().parent.parent / "conf").resolve()  # in a clone sr/conf is a link to conf


def names() -> list[str]:
    """The config groups: data, model, network ..."""
    return sorted(folder.name for folder in CONF.iterdir() if folder.is_dir())


def choices(group: str) -> list[str]:
    """The choices of a group: edsr, srcnn ... for `network`."""
    return sorted(file.stem for file in (CONF / group).glob("*.yaml"))


def nearest(word: str, valid: list[str]) -> str:
    """The end of a message: suggestions for a misspelt word, or an empty string."""
    near = difflib.get_close_matches(word, valid, n=3, cutoff=0.5)
    near.sort(key=lambda one: sorted(one) != sorted(word))  # swapped letters are the likeliest slip
    leaf = word.rsplit(".", 1)[-1]
    near += [key for key in valid if key.rsplit(".", 1)[-1] == leaf and key not in near][:2]
    return f"; nearest: {', '.join(near)}" if near else ""
