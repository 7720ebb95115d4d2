"""Sets whose LR was made by several degradations: each degradation is a task of its own, and runs are compared within it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sr.report.runs import Run
from sr.report.variants import Variant
from sr.view.line import lr_line, made_by


@dataclass(frozen=True)
class Task:
    """The runs that measured a set on the same LR.

    Args:
        benchmark: name of the set.
        record: what made its LR (`sr.benchmark.degraded`); None: no degradation did.
        runs: at least one.
    """

    benchmark: str
    record: Mapping[str, Any] | None
    runs: tuple[Run, ...]

    @property
    def title(self) -> str:
        count = f"{len(self.runs)} run{'s' if len(self.runs) > 1 else ''} on {self.benchmark}"
        made = self.record
        return f"{count}/{made_by(made)}, hash {made['hash']}" if made else f"{count}, whose LR no degradation made"

    @property
    def note(self) -> str:
        return f"{lr_line(self.benchmark, self.record)}." if self.record else ""

    def alone(self, variants: Sequence[Variant]) -> list[Variant]:
        """The variants with the runs of this task, as if they had measured its set alone."""
        mine, name = {id(run) for run in self.runs}, self.benchmark
        found = [Variant(variant.name, [_of_set(run, name) for run in variant.runs if id(run) in mine]) for variant in variants]
        return [variant for variant in found if variant.runs]


def tasks(runs: Sequence[Run]) -> list[Task]:
    """Those of each set whose LR differs between runs, in the order of the runs; empty where no LR does."""
    found = []
    for name in dict.fromkeys(name for run in runs for name in run.scores):
        groups: dict[str | None, list[Run]] = {}
        for run in (run for run in runs if name in run.scores):
            groups.setdefault(run.degraded.get(name, {}).get("hash"), []).append(run)
        if len(groups) > 1:
            found += [Task(name, members[0].degraded.get(name), tuple(members)) for members in groups.values()]
    return found


def apart(every: Sequence[Run]) -> dict[str, list[Run]]:
    """Name -> the runs of a report: several where runs have no set in common but those whose LR differs; else one, "".

    Runs without results are in each.
    """
    usable = [run for run in every if run.scores]
    unlike = {task.benchmark for task in tasks(usable)}
    common = set.intersection(*({*run.scores} for run in usable)) if usable else set()
    if not unlike or common - unlike:
        return {"": list(every)}
    groups: dict[tuple, list[Run]] = {}
    for run in usable:
        groups.setdefault(tuple(run.degraded.get(name, {}).get("hash") for name in sorted(unlike)), []).append(run)
    if len(groups) == 1:
        return {"": list(every)}
    rest = [run for run in every if not run.scores]
    return {_name(runs[0], unlike): runs + rest for runs in groups.values()}


def _name(run: Run, sets: set[str]) -> str:
    """Of the task of a run, for a folder: "realesrgan-69992e55fad1", "slice_profile-box-9c3a0d1e2f4b"."""
    made = [run.degraded[name] for name in sorted(sets) if name in run.degraded]
    parts = [(one["pipeline"][:50].replace(",", "+"), one.get("stages", "").partition(",")[0], one["hash"]) for one in made]
    return "_".join("-".join(filter(None, part)) for part in parts) or "others"


def _of_set(run: Run, name: str) -> Run:
    only = {part: {name: found[name]} if name in (found := getattr(run, part)) else {} for part in _BY_SET}
    return replace(run, **only)


_BY_SET = ("scores", "bicubic", "degraded")
