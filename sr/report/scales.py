"""Runs of several scales, which cannot be compared: one report per scale, and a page that lists them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sr.errors import InputError
from sr.files import whole
from sr.report.runs import Run
from sr.view.page import fill

_WHY = "The runs have different scales. Their numbers cannot be compared: each scale has its own report."


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


def index(output: Path, answers: Mapping[int | None, str], texts: Mapping[int | None, str]) -> str:
    """Write report.html and table.md, which link to the reports in x2, x3 ...; returns the text of table.md."""
    page = "".join(fill(Path(__file__).with_suffix(".html"), why=_WHY, answers=answers))
    text = "\n".join([_WHY, "", *(f"## ×{scale}\n\n{text}" for scale, text in texts.items())])
    for name, content in {"report.html": page + "\n", "table.md": text}.items():
        with whole(output / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    return text
