"""Runs of several scales or tasks, which cannot be compared: one report for each, and a page that lists them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sr.errors import InputError
from sr.files import whole
from sr.report.plots import Plot
from sr.report.runs import Run
from sr.report.tasks import apart, tasks
from sr.view.page import fill

_SCALES = "The runs have different scales. Their numbers cannot be compared: each scale has its own report."
_TASKS = "The runs were measured on LR of different degradations. Their numbers cannot be compared: each has its own report."


@dataclass
class Part:
    """A report of runs that can be compared: of one scale, and of one task.

    Args:
        folder: its folder below `output`, where there are several.
        title: what the runs have in common.
        runs: those with results, and those without any.
        answer, text: of the report, once it is made.
    """

    folder: str
    title: str
    runs: list[Run]
    answer: str = ""
    text: str = ""


def parts(every: Sequence[Run]) -> list[Part]:
    """The reports of runs. Raises as `by_scale` does."""
    found = []
    for scale, runs in by_scale(every).items():
        unlike = tasks([run for run in runs if run.scores])
        for name, members in apart(runs).items():
            titles = [task.title for task in unlike if name and any(run in task.runs for run in members)]
            found.append(Part("_".join(filter(None, (f"x{scale}", name))), ", ".join((f"×{scale}", *titles)), members))
    return found


def by_scale(every: Sequence[Run]) -> dict[int | None, list[Run]]:
    """Scale -> its runs, at least one of which has results. A run without results and scale is listed under every scale.

    Raises:
        InputError: there are no runs, none with results, or they have different kinds of images.
    """
    if not every:
        raise InputError("missing option: pass runs=FOLDER, or a list of them")
    usable = [run for run in every if run.scores]
    if not usable:
        raise InputError(f"none of {len(every)} runs has results; {every[0].folder}: {every[0].status}")
    if len(kinds := sorted({run.image for run in usable})) > 1:
        raise InputError(f"runs of image={' and image='.join(kinds)} cannot be compared: pass runs of one of them")
    scales = sorted({run.scale for run in usable}, key=lambda scale: (scale is None, scale))
    unknown = [run for run in every if not run.scores and run.scale not in scales]
    return {scale: [run for run in every if run.scale == scale or run in unknown] for scale in scales}


def index(output: Path, made: Sequence[Part], table: str = "", curve: Plot | None = None) -> str:
    """Write report.html and table.md, which link to the reports in x2, x3 ...; returns the text of table.md.

    Args:
        table, curve: of variants that were measured at several scales, first in both files.
    """
    why = _SCALES if len({part.runs[0].scale for part in made}) > 1 else _TASKS
    page = "".join(fill(Path(__file__).with_suffix(".html"), why=why, parts=made, curve=curve))
    text = "\n".join([*([table, ""] if table else []), why, "", *(f"## {part.title}\n\n{part.text}" for part in made)])
    for name, content in {"report.html": page + "\n", "table.md": text}.items():
        with whole(output / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    return text
