"""The report's page: page.html with tables, plots, pictures and votes. One file that works offline."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup

from sr.report.pictures import Strip, overview_uri
from sr.report.plots import Plot, colours
from sr.report.results import Results
from sr.report.tables import Table, number
from sr.report.votes import Tally
from sr.view.page import data_uri, fill

TEMPLATE = Path(__file__).with_name("page.html")
WIDEST = 11  # pictures in a row


@dataclass
class Content:
    """The content of a page."""

    title: str
    question: str
    answer: str
    results: Results
    made: str  # author and date
    scores: Table
    costs: Table
    runs: Table
    others: Table | None = None
    seeds: Table | None = None  # of networks that draw noise
    tasks: Sequence[Table] = ()  # results on LR that was not the same in all runs, a table for each
    keys: Table | None = None
    plots: Sequence[Plot] = ()
    strips: Sequence[Strip] = ()
    tallies: Sequence[Tally] = ()
    notes: Sequence[str] = field(default_factory=list)


def render(content: Content) -> Iterator[str]:
    """The HTML in pieces: the pictures of a strip are encoded one by one."""
    results, colour = content.results, colours(content.results.names)
    yield from fill(
        TEMPLATE,
        content=content,
        plots={plot.name: plot for plot in content.plots},
        colour=colour,
        again=_again(colour),
        metric=results.metric,
        score=lambda strip, name: _score(results, strip, name),
        apart=lambda strip: number(results.metric, results.spread[strip.benchmark, strip.image]),
        shares=_shares,
        per_row=_per_row,
        breakable=_breakable,
        data_uri=data_uri,
        overview_uri=overview_uri,
        data=_data(content),
    )


def _again(colour: Mapping[str, str]) -> set[str]:
    """The names whose colour is already used by an earlier name."""
    names = list(colour)
    return {name for index, name in enumerate(names) if colour[name] in (colour[other] for other in names[:index])}


def _score(results: Results, strip: Strip, name: str) -> str:
    """The score of a strip's whole image; empty for HR and if there is none."""
    score = results.image_scores.get(name, {}).get((strip.benchmark, strip.image))
    return "" if score is None else number(results.metric, score)


def _shares(strip: Strip) -> dict[str, float]:
    """The strip's position in percent of the whole image, by CSS names of the sides."""
    top, left, height, width = strip.place
    rows, columns = strip.size
    shares = {"top": top / rows, "left": left / columns, "height": height / rows, "width": width / columns}
    return {side: 100 * share for side, share in shares.items()}


def _per_row(strip: Strip) -> int:
    """Number of pictures per row, including the whole image: rows have about equal length."""
    cells = 1 + len(strip.pictures)
    return -(-cells // -(-cells // WIDEST))


def _breakable(name: str) -> Markup:
    """Allow line breaks in long names after each word."""
    return Markup("<wbr>").join(re.split(r"(?<=[_/,-])(?=\w)", name))


def _data(content: Content) -> dict:
    """The data of the page's scripts."""
    results, strips = content.results, content.strips
    if not strips:
        return {"files": []}
    columns = list(strips[0].pictures)
    networks = [name for name in columns if name not in (results.plain, "HR")]
    best = next((name for name in results.ranking if name in networks), networks[0])
    left = next(name for name in (results.baseline, *results.ranking[::-1], results.plain) if name in columns and name != best)
    files = []
    for strip in strips:
        height, width = strip.place[2:]
        key = (strip.benchmark, strip.image)
        known = {name: scores[key] for name, scores in results.image_scores.items() if name in columns}
        scores = {name: number(results.metric, value) for name, value in known.items()}
        files.append({"name": strip.name, "place": strip.place, "width": width, "height": height, "scores": scores})
    what = json.dumps([content.title, columns, [[strip.name, strip.place] for strip in strips]])
    return {
        "id": hashlib.sha256(what.encode()).hexdigest()[:16],  # a browser keeps votes per report
        "title": content.title,
        "columns": columns,
        "networks": networks,
        "files": files,
        "left": left,
        "right": best,
    }
