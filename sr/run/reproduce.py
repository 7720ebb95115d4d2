"""`reproduce=RUN_DIR`: runs the command of a finished run again and compares the numbers."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.utilities import rank_zero_only

from sr.cli.aliases import renamed
from sr.cli.named import split, value_of
from sr.cli.words import key_of, quoted
from sr.errors import InputError
from sr.run import history, resume
from sr.run import read as read_run
from sr.run import record as run
from sr.run.replay import ELSEWHERE, check_words, replay


def command_line(words: list[str]) -> list[str]:
    """The overrides in which `reproduce=RUN_DIR` is replaced by the command of that run, with a new folder.

    If the run was resumed, the segments before the last are run first, each to the step where the next one began
    (sr/run/replay.py); the command then resumes from there.

    Raises:
        InputError, MissingError: run.json is missing or does not say how the run was made; it names untrusted classes, or a
            --config-dir that this command line lacks.
    """
    flags, said = split(words)
    folder = value_of("reproduce", said)
    if folder is None or "resume" in map(key_of, said):  # resume: already expanded
        return words
    segments = history.of_record(read_run.read(folder), folder)
    check_words(segments, folder, flags, said)
    if "output_dir" not in map(key_of, said):
        name = f"outputs/reproduced/{Path(folder).resolve().name}_{os.environ['SR_STARTED']}"
        said = [*said, f"output_dir={quoted(name)}"]
    last = replay(segments, folder, flags, said) if len(segments) > 1 else None
    kept = history.changes(segments[-1])
    whole = [*flags, *kept, *said, *([f"resume={quoted(str(last))}"] if last else []), "hydra.mode=RUN"]  # a study's job alone
    return resume.command_line(whole) if last else whole


def check_code(cfg: DictConfig) -> None:
    """Print what differs from the run: config, commit, packages, device. Uses its number of threads, because the last bit of
    a sum depends on it.

    Raises:
        MissingError, InputError: the configs of this project compose another config now; the run would be overwritten; a
            file of the run is missing or damaged.
    """
    folder = Path(cfg.reproduce)
    if Path(cfg.output_dir).resolve() == folder.resolve():
        raise InputError(f"output_dir={cfg.output_dir} is the run itself and would be overwritten: choose another")
    then, now = read_run.read(folder), {"commit": run.commit(), **run.machine()}
    if lacking := {"dirty", "packages", "threads", *now} - then.keys():
        raise InputError(f"{folder}/run.json: incomplete record of a run (it lacks {', '.join(sorted(lacking))})")
    before = OmegaConf.create(renamed(read_run.content(folder / "config.yaml")))
    read_run.content(folder / "metrics.json")  # fail now, not after training
    keys = sorted(_differing(*(OmegaConf.to_container(config, resolve=False) for config in (before, cfg))))
    if keys:
        shown = ", ".join(keys[:5]) + (", ..." if len(keys) > 5 else "")
        raise InputError(f"{folder}: its command now composes a different config ({shown}); check out {_commit(then)}")
    torch.set_num_threads(then["threads"])
    for what in ("commit", "python", "device"):
        if then[what] != now[what]:
            _say(f"{what} was {then[what]}, is {now[what]}")
    if then["dirty"]:
        _say(f"the run had uncommitted changes: {folder / 'code.diff'}")
    packages = {name for name in then["packages"].keys() & now["packages"] if then["packages"][name] != now["packages"][name]}
    if packages:
        _say("other versions: " + ", ".join(f"{name} {then['packages'][name]}" for name in sorted(packages)[:8]))


def compare(results: Mapping[str, Any], folder: str | Path) -> None:
    """Print whether all numbers of metrics.json are equal to the last digit; otherwise the largest difference."""
    then = dict(_leaves(read_run.content(Path(folder, "metrics.json"))))
    now = dict(_leaves(json.loads(json.dumps(results))))
    if then == now:
        print(f"reproduced: all {len(now)} numbers of {folder}/metrics.json are equal to the last digit")
        return
    if then.keys() != now.keys():
        print(f"not reproduced: {folder}/metrics.json has different sets, images or metrics")
        return
    name = max(now, key=lambda key: abs(now[key] - then[key]))
    unequal = sum(now[key] != then[key] for key in now)
    print(f"not reproduced: {unequal} of {len(now)} numbers differ; the most: {name} was {then[name]}, is {now[name]}")


def _differing(a: Any, b: Any, key: str = "") -> Iterator[str]:
    """Keys whose values differ and could change the numbers."""
    if key in ELSEWHERE:
        return
    if isinstance(a, dict) and isinstance(b, dict):
        for name in a.keys() | b.keys():
            yield from _differing(a.get(name), b.get(name), f"{key}.{name}" if key else name)
    elif a != b:
        yield key


def _leaves(node: Any, key: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(node, Mapping):
        for name, child in node.items():
            yield from _leaves(child, f"{key}/{name}" if key else name)
    else:
        yield key, node


def _commit(then: Mapping[str, Any]) -> str:
    return f"commit {then['commit']}" if then.get("commit") else "the code it ran with"


def _say(text: str) -> None:
    rank_zero_only(print)(f"reproduce: {text}")
