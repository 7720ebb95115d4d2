"""`reproduce=RUN_DIR`: the command of a finished run again, and whether its numbers came out again."""

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
    """The words of a command line in which `reproduce=RUN_DIR` became the command of that run; its folder is a new one.

    Of a run that was resumed, the segments before the last are run first, each to the step where the next one began
    (sr/run/replay.py), and the command goes on from there.

    Raises:
        InputError, MissingError: no run.json, or one that does not say how the run was made; it names classes that are not to
            be trusted, or a --config-dir that this command line does not.
    """
    flags, said = split(words)
    folder = value_of("reproduce", said)
    if folder is None or "resume" in map(key_of, said):  # the second: expanded already
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
    """Say what differs from the run: config, commit, packages, device. Takes its number of threads, of which the last bit of
    a sum depends.

    Raises:
        FileNotFoundError, ValueError: the configs of this project give another config now; it would be written over the run;
            a file of the run is not there or damaged.
    """
    folder = Path(cfg.reproduce)
    if Path(cfg.output_dir).resolve() == folder.resolve():
        raise InputError(f"output_dir={cfg.output_dir} is the run itself, which would be lost: choose another")
    then, now = read_run.read(folder), {"commit": run.commit(), **run.machine()}
    if lacking := {"dirty", "packages", "threads", *now} - then.keys():
        raise InputError(f"{folder}/run.json: not the record of a run (no {', '.join(sorted(lacking))})")
    before = OmegaConf.create(renamed(read_run.content(folder / "config.yaml")))
    read_run.content(folder / "metrics.json")  # now, not after the training
    keys = sorted(_differing(*(OmegaConf.to_container(config, resolve=False) for config in (before, cfg))))
    if keys:
        shown = ", ".join(keys[:5]) + (", ..." if len(keys) > 5 else "")
        raise InputError(f"{folder}: its config is not what its command gives now ({shown}); check out {_commit(then)}")
    torch.set_num_threads(then["threads"])
    for what in ("commit", "python", "device"):
        if then[what] != now[what]:
            _say(f"{what} was {then[what]}, is {now[what]}")
    if then["dirty"]:
        _say(f"the run had changes that no commit has: {folder / 'code.diff'}")
    packages = {name for name in then["packages"].keys() & now["packages"] if then["packages"][name] != now["packages"][name]}
    if packages:
        _say("other versions: " + ", ".join(f"{name} {then['packages'][name]}" for name in sorted(packages)[:8]))


def compare(results: Mapping[str, Any], folder: str | Path) -> None:
    """Print whether metrics.json of the run is, to the last digit, what came out now; else the largest difference."""
    then = dict(_leaves(read_run.content(Path(folder, "metrics.json"))))
    now = dict(_leaves(json.loads(json.dumps(results))))
    if then == now:
        print(f"reproduced: all {len(now)} numbers of {folder}/metrics.json are equal to the last digit")
        return
    if then.keys() != now.keys():
        print(f"not reproduced: {folder}/metrics.json has other sets, images or metrics")
        return
    name = max(now, key=lambda key: abs(now[key] - then[key]))
    unequal = sum(now[key] != then[key] for key in now)
    print(f"not reproduced: {unequal} of {len(now)} numbers differ; most {name}: was {then[name]}, is {now[name]}")


def _differing(a: Any, b: Any, key: str = "") -> Iterator[str]:
    """Keys whose values differ, and could make other numbers."""
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
