"""The report's page: page.html with tables, plots, pictures and votes filled in. It stands alone and opens offline."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from sr.report.pictures import Strip, overview_uri
from sr.report.plots import Plot, colours
from sr.report.results import BICUBIC, Results
from sr.report.tables import Table, number
from sr.report.votes import Tally
from sr.view.page import data_uri, fill

TEMPLATE = Path(__file__).with_name("page.html")
WIDEST = 11  # pictures in a row


@dataclass
class Content:
    """What a page is filled with."""

    title: str
    question: str
    answer: str
    results: Results
    made: str  # by what, when
    scores: Table
    costs: Table
    runs: Table
    others: Table | None = None
    keys: Table | None = None
    plots: Sequence[Plot] = ()
    strips: Sequence[Strip] = ()
    tallies: Sequence[Tally] = ()
    notes: Sequence[str] = field(default_factory=list)


def render(content: Content) -> Iterator[str]:
    """The HTML in pieces."""
    colour = colours(content.results.names)
    shown = {plot.name: _plot(plot) for plot in content.plots}
    notes = "".join(f"<li>{escape(note)}</li>" for note in content.notes)
    others = content.others
    keys = content.keys
    filled = {
        "title": escape(content.title),
        "question": f'<p class="question">{escape(content.question)}</p>' if content.question else "",
        "answer": escape(content.answer),
        "notes": f'<ul class="notes">{notes}</ul>' if notes else "",
        "scores": _table(content.scores, colour),
        "differences": shown.get("differences", ""),
        "others": f"<h3>{others.title}</h3>{_table(others, colour)}" if others else "",
        "costs": _table(content.costs, colour),
        "pareto": shown.get("pareto", ""),
        "curves": f'<section id="curves"><h2>Learning</h2>{shown["curves"]}</section>' if "curves" in shown else "",
        "votes": _votes(content.tallies),
        "keys": f'<section id="keys"><h2>{keys.title}</h2>{_table(keys, colour)}</section>' if keys else "",
        "runs": _table(content.runs, colour),
        "made": escape(content.made),
        "heading": '<h3 tabindex="-1">Look closer</h3>',
        "strips": "".join(_strip(index, strip, content.results) for index, strip in enumerate(content.strips)),
        "data": json.dumps(_data(content)).replace("<", "\\u003c"),
        "pictures_hidden": "" if content.strips else " hidden",
        "viewer": "part" if content.strips else "none",
    }
    yield from fill(TEMPLATE, {name: [text] for name, text in filled.items()})


def _table(table: Table, colour: dict[str, str]) -> str:
    kind = ' class="text"' if table.words else ""
    dense = ' class="dense"' if len(table.head) > 6 and not table.words else ""
    heads = [
        f'<th scope="col"{kind if i else ""}>{_swatch(name, colour)}{escape(name)}</th>' for i, name in enumerate(table.head)
    ]
    body = []
    for name, cells in table.rows.items():
        row = []
        for cell in cells:
            kinds = " ".join(word for word, of in (("best", cell.best), ("text", table.words)) if of)
            interval = f" <small>{escape(cell.interval)}</small>" if cell.interval else ""
            row.append(f'<td class="{kinds}">{escape(cell.text)}{interval}</td>')
        body.append(f'<tr><th scope="row">{_swatch(name, colour)}{escape(name)}</th>{"".join(row)}</tr>')
    note = f'<p class="faint">{escape(table.note)}</p>' if table.note else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(table.title)}">'
        f"<table{dense}><thead><tr>{''.join(heads)}</tr></thead><tbody>{''.join(body)}</tbody></table></div>{note}"
    )


def _swatch(name: str, colour: dict[str, str]) -> str:
    if name not in colour:
        return ""
    again = " again" if colour[name] in list(colour.values())[: list(colour).index(name)] else ""
    return f'<i class="swatch{again}" style="background:{colour[name]}"></i>'


def _plot(plot: Plot) -> str:
    return f'<figure class="plot">{plot.svg()}<figcaption>{escape(plot.text)}</figcaption></figure>'


def _strip(index: int, strip: Strip, results: Results) -> str:
    """A row of the same place in all pictures; the whole image with the place first."""
    top, left, height, width = strip.place
    rows, columns = strip.size
    shares = {"top": top / rows, "left": left / columns, "height": height / rows, "width": width / columns}
    box = ";".join(f"{side}:{share:.2%}" for side, share in shares.items())
    cells = [
        f'<div class="where"><div class="map"><img alt="{escape(strip.name)}, whole" src="{overview_uri(strip.overview)}">'
        f'<i style="{box}"></i></div><span>whole image</span></div>'
    ]
    for column, (name, pixels) in enumerate(strip.pictures.items()):
        score = results.image_scores.get(name, {}).get((strip.benchmark, strip.image))
        told = "" if score is None else number(results.metric, score)
        cells.append(
            f'<button class="cell" data-file="{index}" data-name="{escape(name)}"><img id="picture-{index}-{column}" '
            f'width="{width}" height="{height}" alt="{escape(f"{strip.name}, {name}")}" src="{data_uri(pixels)}">'
            f"<span>{_breakable(name)}<b>{told}</b></span></button>"
        )
    apart = number(results.metric, results.spread[strip.benchmark, strip.image])
    caption = f"{strip.name}: {width} × {height} pixels; {results.metric} of the whole image, {apart} apart"
    per_row = -(-len(cells) // -(-len(cells) // WIDEST))
    return (
        f'<figure class="strip"><figcaption>{escape(caption)}</figcaption>'
        f'<div class="row" style="--cells:{per_row}">{"".join(cells)}</div></figure>'
    )


def _breakable(name: str) -> str:
    """Long names break after their words."""
    return re.sub(r"([_/,-])(?=\w)", r"\1<wbr>", escape(name))


def _votes(tallies: Sequence[Tally]) -> str:
    if not tallies:
        return ""
    lines = "".join(f"<li>{escape(str(tally))}</li>" for tally in tallies)
    says = "Counted from the votes that were handed in (share of the decided, with its exact 95 % interval):"
    return f'<p>{says}</p><ul class="tally">{lines}</ul>'


def _data(content: Content) -> dict:
    """What the page's scripts know."""
    results, strips = content.results, content.strips
    if not strips:
        return {"files": []}
    columns = list(strips[0].pictures)
    networks = [name for name in columns if name not in (BICUBIC, "HR")]
    best = next((name for name in results.ranking if name in networks), networks[0])
    left = next(name for name in (results.baseline, *results.ranking[::-1], BICUBIC) if name in columns and name != best)
    files = []
    for strip in strips:
        height, width = strip.place[2:]
        key = (strip.benchmark, strip.image)
        known = {name: scores[key] for name, scores in results.image_scores.items() if name in columns}
        scores = {name: number(results.metric, value) for name, value in known.items()}
        files.append({"name": strip.name, "place": strip.place, "width": width, "height": height, "scores": scores})
    what = json.dumps([content.title, columns, [[strip.name, strip.place] for strip in strips]])
    return {
        "id": hashlib.sha256(what.encode()).hexdigest()[:16],  # votes kept in a browser are those of one report
        "title": content.title,
        "columns": columns,
        "networks": networks,
        "files": files,
        "left": left,
        "right": best,
    }
