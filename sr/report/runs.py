"""Reads run folders: config, outcome, scores."""

import csv
import glob
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sr.cli.aliases import renamed
from sr.errors import InputError, MissingError, UserError
from sr.files import natural
from sr.image.kind import PHOTO
from sr.run.read import content

Scores = dict[str, dict[str, dict[str, float]]]  # set -> image -> metric -> score
# Types of the values that a report uses, if a file has them.
_NUMBER = int | float
_FACTS = {"status": str, "error": str, "seed": int, "training": Mapping, "parameters": _NUMBER, "multiply_adds": _NUMBER}
_FACTS |= {"higher_is_better": Mapping, "stopped_early": Mapping, "metrics": Mapping}
_CONFIG = {"scale": _NUMBER, "seed": int, "benchmark": Mapping, "metric": Mapping, "trainer": Mapping, "loss": Mapping}
_CONFIG |= {"image": Mapping}


@dataclass
class Run:
    """One folder of train.py, or of test.py with variant=NAME; for runs without run.json less is known."""

    folder: Path
    config: dict[str, Any]
    facts: dict[str, Any] = field(default_factory=dict)  # run.json
    scores: Scores = field(default_factory=dict)
    bicubic: dict[str, dict[str, float]] = field(default_factory=dict)  # set -> metric -> mean over its images
    hr: dict[str, dict[str, float]] = field(default_factory=dict)  # the same of HR itself
    interpolation: str = "bicubic"  # whose means `bicubic` has: trilinear in runs on volumes
    degraded: dict[str, dict[str, Any]] = field(default_factory=dict)  # set -> what made its LR (sr.benchmark.degraded)
    clips: frozenset[str] = frozenset()  # sets of clips
    problem: str | None = None  # why there are no scores

    @property
    def seed(self) -> int | None:
        return self.facts.get("seed", self.config.get("seed"))

    @property
    def scale(self) -> float | None:
        return self.config.get("scale")

    @property
    def image(self) -> str:
        """The pixel format; runs from before it could be chosen are 8-bit RGB."""
        return str((self.config.get("image") or {}).get("name", PHOTO.name))

    @property
    def status(self) -> str:
        """The status in the report's list of runs."""
        early = self.facts.get("stopped_early") or {}
        return self.problem or (f"done, early at step {early.get('step')} of {early.get('max_steps')}" if early else "done")

    @property
    def is_test(self) -> bool:
        """Whether test.py wrote the folder: it has a network's scores and no training."""
        return "ckpt" in self.config

    @property
    def checkpoint(self) -> Path:
        return Path(str(self.config["ckpt"])) if self.is_test else self.folder / "checkpoints" / "best.ckpt"

    def curve(self, column: str) -> list[tuple[int, float]]:
        """(step, value) of a column of metrics.csv; empty if it does not exist."""
        file = self.folder / "metrics.csv"
        if not file.is_file():
            return []
        found = []
        with open(file, newline="", encoding="utf-8", errors="replace") as rows, suppress(csv.Error):
            found.extend((row.get("step"), row.get(column)) for row in csv.DictReader(rows))
        numbers = [(_number(step), _number(value)) for step, value in found]
        return [(int(step), value) for step, value in numbers if step is not None and value is not None]


def find(sources: Sequence[str]) -> list[Run]:
    """The runs in folders and patterns: a folder is a run, or contains runs at any depth.

    Raises:
        MissingError: a source without runs.
    """
    folders: dict[Path, Path] = {}
    for source in sources:
        named = [source] if Path(source).is_dir() else sorted(glob.glob(source, recursive=True), key=natural)
        places = [Path(place) for place in named]
        found = [folder for place in places if place.is_dir() for folder in _below(place)]
        if not found:
            what = "no run folder in it (one with config.yaml)" if places else "no such folder or pattern"
            raise MissingError(f"runs={source}: {what}")
        for folder in found:  # one folder may have two names
            folders.setdefault(folder.resolve(), Path(os.path.normpath(folder)))
    return [read(folder) for folder in folders.values()]


def _below(place: Path) -> list[Path]:
    """The folders written by runs; folders inside them are not searched (W&B has its own config.yaml)."""
    found = []
    for folder, inner, files in os.walk(place):
        if {"config.yaml", "run.json"} & set(files):
            found.append(Path(folder))
            inner.clear()
        inner[:] = sorted((name for name in inner if not name.startswith((".", "wandb"))), key=natural)
    return found


def read(folder: Path) -> Run:
    """A run's files; errors go to its `problem`, so one broken run does not stop a report."""
    run = Run(folder, config={})
    try:
        run.facts = _content(folder / "run.json", _FACTS) or {"metrics": _content(folder / "metric_records.json", {})}
        run.config = renamed(_content(folder / "config.yaml", _CONFIG))
        results = _content(folder / "metrics.json", {})
        run.scores, run.bicubic = _scores(results, folder / "metrics.json")
        run.hr = {name: found["hr"] for name, found in results.items() if isinstance(found.get("hr"), dict)}
        run.interpolation = "trilinear" if any("trilinear" in found for found in results.values()) else "bicubic"
        run.clips = frozenset(name for name, found in results.items() if "frames" in found)
        run.degraded = {name: found["degraded"] for name, found in results.items() if isinstance(found.get("degraded"), dict)}
    except UserError as error:
        run.problem = str(error).removeprefix(f"{folder}{os.sep}")  # the report names the folder itself
        return run
    status, error = run.facts.get("status", "done"), run.facts.get("error")
    if status != "done" or not run.scores:
        run.problem = f"{status}: {error}" if error else status if status != "done" else "unfinished: no metrics.json"
        run.problem += " (or killed)" if status == "running" else ""
        run.scores = {}
    return run


def _content(file: Path, kinds: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a file; empty if it does not exist."""
    return content(file, kinds) if file.is_file() else {}


def _scores(results: Mapping[str, Any], file: Path) -> tuple[Scores, dict[str, dict[str, float]]]:
    scores: Scores = {}
    bicubic = {}
    for name, found in results.items():
        try:
            scores[name] = {
                image: {metric: float(value) for metric, value in values.items()} for image, values in found["images"].items()
            }
            plain = found.get("bicubic") or found.get("trilinear") or {}
            bicubic[name] = {metric: float(value) for metric, value in plain.items()}
        except (TypeError, KeyError, ValueError, AttributeError):
            raise InputError(f"{file}: invalid content: no images of {name}") from None
        if not scores[name]:
            raise InputError(f"{file}: no images of {name}")
        if any(not math.isfinite(value) for values in scores[name].values() for value in values.values()):
            raise InputError(f"{file}: scores of {name} are not finite")
    return scores, bicubic


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
