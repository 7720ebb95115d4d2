"""Checks before training that the checkpoints of a run can be loaded again."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.utilities import rank_zero_only

from sr.cli.named import targets
from sr.errors import InputError
from sr.say import warn
from sr.weights import trust
from sr.weights.rebuild import check_network

_PLAIN = (str, int, float, bool, type(None))


def check(carried: Mapping[str, Any], trusted: Collection[str]) -> None:
    """Report which options later commands need, or that no later command can load the checkpoints.

    Args:
        carried: what each checkpoint stores about its run: `config` and `network`, see sr.build.carried.
        trusted: names that this command line trusts.

    Raises:
        InputError: a value that makes the file unreadable (`torch.load(weights_only=True)` opens only plain values).
    """
    for key, value in _values(carried):
        if type(value) not in _PLAIN:
            raise InputError(f"{key} is a {type(value).__name__}, which a checkpoint cannot store: pass text or a number")
    names = sorted(set(targets(carried["config"])) | set(targets(carried["network"])))
    outside = [name for name in names if not trust.allowed(name)]
    if lost := [name for name in outside if name.split(".")[0] == "__main__"]:
        warn(f"{lost[0]} is defined in the running script, so no other program can load its checkpoints; move it to a module")
    elif outside:
        again = "the same --config-dir, or " if any(name in trusted for name in outside) else ""
        rank_zero_only(print)(
            f"{', '.join(outside)}: defined outside this project. To load the checkpoints, pass {again}"
            f"trust=[{','.join(outside)}] to test.py, predict.py, report.py and with resume= (sr.load: trusted=[...])"
        )
    try:
        check_network(carried["network"], "what this run saves", {*trusted, *outside})
    except InputError as error:
        warn(f"later commands cannot load the network of this run: {error}")


def plain(node: Any) -> Any:
    """A config's values in a form that a checkpoint can store: paths as text."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [plain(value) for value in node]
    return str(node) if isinstance(node, Path) else node


def _values(node: Any, key: str = "") -> list[tuple[str, Any]]:
    """(key, value) of each leaf; keys of mappings are yielded as values too."""
    if isinstance(node, Mapping):
        inner = [pair for name, child in node.items() for pair in _values(child, f"{key}.{name}" if key else str(name))]
        return [*((f"the key {name!r} of {key}", name) for name in node), *inner]
    if isinstance(node, list | tuple):
        return [pair for index, child in enumerate(node) for pair in _values(child, f"{key}.{index}")]
    return [(key.removeprefix("config."), node)]
