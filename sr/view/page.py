"""The comparison page: page.html, and the viewer.* that the report shares, filled in. It stands alone and opens offline.

Pictures are lossless WebP inside it, or PNG where they are larger than WebP can be.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from io import BytesIO
from os.path import commonpath
from pathlib import Path

import numpy as np
import PIL.Image

TEMPLATE = Path(__file__).with_suffix(".html")
DIGITS = {"PSNR Y": 2, "SSIM Y": 4, "PSNR RGB": 2, "SSIM RGB": 4}  # of each metric

Scores = dict[str, float | None]  # metric -> score; None where the image is too small for the metric


@dataclass
class Column:
    """One picture of a file: (height, width), the encoded pixels, where it is from, what it cost, how close it is to HR."""

    size: tuple[int, int]
    uri: str  # data:image/...
    source: str
    parameters: int | None = None
    seconds: float | None = None
    scores: Scores = field(default_factory=dict)


def means_of(rows: Mapping[Path, Mapping[str, Column]]) -> dict[str, Scores]:
    """Column -> mean scores over the files; empty where there is no HR."""
    files = list(rows.values())
    means = {}
    for name, column in files[0].items():
        if column.scores:
            of = {metric: [columns[name].scores[metric] for columns in files] for metric in DIGITS}
            means[name] = {metric: None if None in values else sum(values) / len(values) for metric, values in of.items()}
    return means


def render(rows: Mapping[Path, Mapping[str, Column]], networks: Sequence[str], scale: int) -> Iterator[str]:
    """The HTML of the page, in pieces: file -> column -> picture; `networks` are the columns that networks made."""
    columns = list(next(iter(rows.values())))
    titles = _titles(list(rows))
    what = titles[0] if len(rows) == 1 else f"{len(rows)} images"
    tables = [
        _section(index, title, pictures, networks, scale)
        for index, (title, pictures) in enumerate(zip(titles, rows.values(), strict=True))
    ]
    if len(rows) > 1 and (means := means_of(rows)):
        tables.append(_mean_section(means, networks, len(rows)))
    pictures = (
        f'<script type="text/plain" id="picture-{i}-{j}">{column.uri}</script>\n'
        for i, columns in enumerate(rows.values())
        for j, column in enumerate(columns.values())
    )
    title = escape(f"{', '.join(networks)} · ×{scale} · {what}")
    filled = {
        "title": [title],
        "heading": [f"<h1>{title}</h1>"],
        "tables": tables,
        "data": [json.dumps(_data(titles, rows, columns, networks)).replace("<", "\\u003c")],  # no end of the script in it
        "pictures": pictures,
    }
    yield from fill(TEMPLATE, filled)


def fill(template: Path, filled: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """A template in pieces: {{file.css}} is the text of a file beside it or of the viewer, {{name}} what `filled` says."""

    def file(found: re.Match) -> str:
        beside = template.with_name(found[1])
        return (beside if beside.is_file() else TEMPLATE.with_name(found[1])).read_text(encoding="utf-8")

    text = re.sub(r"\{\{(\w+\.\w+)\}\}", file, template.read_text(encoding="utf-8"))
    for index, part in enumerate(re.split(r"\{\{(\w+)\}\}", text)):
        yield from filled[part] if index % 2 else [part]


def _titles(files: Sequence[Path]) -> list[str]:
    """The files' names, with the folders by which they differ."""
    base = commonpath([file.parent for file in files])
    return [str(file.relative_to(base)) for file in files]


def _data(
    titles: Sequence[str], rows: Mapping[Path, Mapping[str, Column]], columns: Sequence[str], networks: Sequence[str]
) -> dict[str, list]:
    """What the page's script knows of the pictures."""
    files = []
    for title, pictures in zip(titles, rows.values(), strict=True):
        height, width = pictures["bicubic"].size
        decibels = {name: column.scores.get("PSNR Y") for name, column in pictures.items()}
        scores = {name: f"{value:.2f} dB" for name, value in decibels.items() if value is not None}
        files.append({"name": title, "width": width, "height": height, "scores": scores})
    return {"columns": list(columns), "networks": list(networks), "files": files}


def _section(index: int, title: str, pictures: Mapping[str, Column], networks: Sequence[str], scale: int) -> str:
    """What is known of one file: sizes, and a table with a row for each picture."""
    (height, width), (large, wide) = (pictures[name].size for name in ("LR", "bicubic"))
    metrics = DIGITS if "HR" in pictures else {}
    best = _best({name: pictures[name].scores for name in networks}) if metrics else {}
    head = ["Picture", *metrics, "Size", "Parameters", "Seconds", "Source"]
    body = []
    for name, column in pictures.items():
        cells = [
            f'<th scope="row">{escape(name)}</th>',
            *(_cell(metric, column.scores.get(metric), best) for metric in metrics),
            f"<td>{column.size[1]} × {column.size[0]}</td>",
            f"<td>{'' if column.parameters is None else format(column.parameters, ',')}</td>",
            f"<td>{'' if column.seconds is None else format(column.seconds, '.2f')}</td>",
            f'<td class="text">{escape(column.source)}</td>',
        ]
        body.append(f'<tr data-picture="{escape(name)}">{"".join(cells)}</tr>')
    facts = f"LR {width} × {height}, SR {wide} × {large} (width × height), scale {scale}."
    if metrics:
        facts += f" Scores as papers measure them: 8 bit, {scale} pixels of border cut, Y of BT.601."
    hidden = " hidden" if index else ""
    return (
        f'<section data-file="{index}"{hidden}><h2>{escape(title)}</h2><p class="faint">{facts}</p>'
        f"{_table(head, body)}</section>"
    )


def _mean_section(means: Mapping[str, Scores], networks: Sequence[str], count: int) -> str:
    best = _best({name: means[name] for name in networks})
    body = [
        f'<tr data-picture="{escape(name)}"><th scope="row">{escape(name)}</th>'
        f"{''.join(_cell(metric, scores[metric], best) for metric in DIGITS)}</tr>"
        for name, scores in means.items()
    ]
    return f'<section id="mean"><h2>Mean of {count} images</h2>{_table(["Picture", *DIGITS], body)}</section>'


def _table(head: Sequence[str], body: Sequence[str]) -> str:
    texts = ("Picture", "Source")
    cells = "".join(f'<th scope="col"{" class=text" if name in texts else ""}>{name}</th>' for name in head)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _best(scores: Mapping[str, Scores]) -> Scores:
    """The highest score of each metric, where there are several networks to choose from."""
    if len(scores) < 2:
        return {}
    return {metric: max((s[metric] for s in scores.values() if s[metric] is not None), default=None) for metric in DIGITS}


def _cell(metric: str, value: float | None, best: Scores) -> str:
    marked = ' class="best"' if value is not None and value == best.get(metric) else ""
    return f"<td{marked}>{number(metric, value)}</td>"


def number(metric: str, value: float | None) -> str:
    return "" if value is None else f"{value:.{DIGITS[metric]}f}"


def data_uri(pixels: np.ndarray) -> str:
    """(H, W, 3) uint8 as lossless WebP, or as PNG where a side is longer than WebP's 16383."""
    file, kind = BytesIO(), "webp" if max(pixels.shape) <= 16383 else "png"
    options = {"lossless": True, "method": 2} if kind == "webp" else {}  # 4, the default: 1 % smaller, twice the time
    PIL.Image.fromarray(pixels).save(file, format=kind, **options)
    return f"data:image/{kind};base64,{b64encode(file.getvalue()).decode()}"
