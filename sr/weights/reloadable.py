"""Whether what a run will save can be loaded again, said before it trains."""

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
    """Say what has to be passed again, or what no later command can load.

    Args:
        carried: what each checkpoint keeps of its run: `config` and `network`, see sr.build.carried.
        trusted: what this command line names.

    Raises:
        InputError: a value that makes the whole file unreadable (`torch.load(weights_only=True)` opens plain values alone).
    """
    for key, value in _values(carried):
        if type(value) not in _PLAIN:
            raise InputError(f"{key} is a {type(value).__name__}, which no checkpoint can hold: pass text or a number")
    names = sorted(set(targets(carried["config"])) | set(targets(carried["network"])))
    outside = [name for name in names if not trust.allowed(name)]
    if lost := [name for name in outside if name.split(".")[0] == "__main__"]:
        warn(f"{lost[0]} is a class of the script that runs: no other program can load its checkpoints; move it to a module")
    elif outside:
        again = "the same --config-dir, or " if any(name in trusted for name in outside) else ""
        rank_zero_only(print)(
            f"{', '.join(outside)}: from outside this project. To load what is saved, pass {again}trust=[{','.join(outside)}] "
            "to test.py, predict.py, report.py and beside resume= (sr.load: trusted=[...])"
        )
    try:
        check_network(carried["network"], "what this run saves", {*trusted, *outside})
    except InputError as error:
        warn(f"no later command can load the network of this run: {error}")


def plain(node: Any) -> Any:
    """A config's values as a checkpoint can hold them: paths as text."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [plain(value) for value in node]
    return str(node) if isinstance(node, Path) else node


def _values(node: Any, key: str = "") -> list[tuple[str, Any]]:
    """(key, value) of each leaf; keys of a mapping count as values too."""
    if isinstance(node, Mapping):
        inner = [pair for name, child in node.items() for pair in _values(child, f"{key}.{name}" if key else str(name))]
        return [*((f"the key {name!r} of {key}", name) for name in node), *inner]
    if isinstance(node, list | tuple):
        return [pair for index, child in enumerate(node) for pair in _values(child, f"{key}.{index}")]
    return [(key.removeprefix("config."), node)]
