"""The comparison page: page.html and the viewer.* files that it shares with the report. One file that works offline.

Pictures are embedded as lossless WebP, or as PNG if they are larger than WebP allows.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from os.path import commonpath
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sr.view.table import number

TEMPLATE = Path(__file__).with_suffix(".html")
Scores = dict[str, float | None]  # metric -> score; None where the image is too small for the metric


@dataclass
class Column:
    """One picture of a file: (height, width), encoded pixels, origin, cost, and similarity to HR."""

    size: tuple[int, int]
    uri: str  # data:image/...
    source: str
    parameters: int | None = None
    seconds: float | None = None
    scores: Scores = field(default_factory=dict)


def metrics_of(rows: Mapping[Any, Mapping[str, Column]]) -> list[str]:
    """The metrics of the page, such as "PSNR Y"; none without HR."""
    return list(next((column.scores for column in next(iter(rows.values())).values() if column.scores), {}))


@dataclass
class Film:
    """The pictures of a video file, one below the other in one video, `slot` pixels apart."""

    encoded: str  # in base64
    type: str
    rate: float
    count: int
    slot: int


def means_of(rows: Mapping[Path, Mapping[str, Column]]) -> dict[str, Scores]:
    """Column -> mean scores over the files; empty without HR."""
    files = list(rows.values())
    means = {}
    for name, column in files[0].items():
        if column.scores:
            of = {metric: [columns[name].scores[metric] for columns in files] for metric in column.scores}
            means[name] = {metric: None if None in values else sum(values) / len(values) for metric, values in of.items()}
    return means


def render(
    rows: Mapping[Path, Mapping[str, Column]],
    networks: Sequence[str],
    scale: float,
    notes: Sequence[str] = (),
    films: Sequence[Film] = (),
) -> Iterator[str]:
    """The HTML of the page, in pieces: file -> column -> picture; `networks` are the columns made by networks, `notes`
    sentences below each file's name, `films` the videos of the files, if they are videos."""
    titles = _titles(list(rows))
    what = titles[0] if len(rows) == 1 else f"{len(rows)} {'videos' if films else 'images'}"
    files = dict(zip(titles, rows.values(), strict=True))
    yield from fill(
        TEMPLATE,
        title=f"{', '.join(networks)} · ×{scale} · {what}",
        scale=scale,
        metrics=metrics_of(rows),
        notes=notes,
        files=files,
        bests=[_best({name: pictures[name].scores for name in networks}) for pictures in rows.values()],
        means=(means := means_of(rows) if len(rows) > 1 else {}),
        best_mean=_best({name: means[name] for name in networks}) if means else {},
        score_text=score_text,
        data=_data(files, networks, films),
        films=films,
    )


def fill(template: Path, **content: Any) -> Iterator[str]:
    """Render a Jinja2 template in pieces, so that a loop in it holds one row in memory at a time.

    Text is escaped. `file("viewer.js")` inserts a file unchanged, `{% include %}` a template; both are looked for in the
    folder of the template and in the viewer's.

    Raises:
        jinja2.TemplateError: the template uses a name that `content` lacks.
    """
    loader = FileSystemLoader([template.parent, TEMPLATE.parent])
    pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    pages.globals["file"] = lambda name: Markup(loader.get_source(pages, name)[0])
    yield from pages.get_template(template.name).generate(**content)


def _titles(files: Sequence[Path]) -> list[str]:
    """The names of the files, with the folders in which they differ."""
    base = commonpath([file.parent for file in files])
    return [str(file.relative_to(base)) for file in files]


def _data(files: Mapping[str, Mapping[str, Column]], networks: Sequence[str], films: Sequence[Film]) -> dict[str, list]:
    """The data of the page's script about the pictures."""
    known, first = [], next(iter(metrics_of(files)), "")
    for title, pictures in files.items():
        height, width = pictures["bicubic"].size
        decibels = {name: column.scores.get(first) for name, column in pictures.items()}
        scores = {name: f"{score_text(first, value)} dB" for name, value in decibels.items() if value is not None}
        known.append({"name": title, "width": width, "height": height, "scores": scores})
    for one, film in zip(known, films, strict=False):
        one["film"] = {"type": film.type, "rate": film.rate, "count": film.count, "slot": film.slot}
    return {"columns": list(next(iter(files.values()))), "networks": list(networks), "files": known}


def _best(scores: Mapping[str, Scores]) -> Scores:
    """The best score of each metric, if there are several networks."""
    if len(scores) < 2 or not all(scores.values()):
        return {}
    first = next(iter(scores.values()))
    return {metric: max((s[metric] for s in scores.values() if s[metric] is not None), default=None) for metric in first}


def score_text(metric: str, value: float | None) -> str:
    """A score of this page as text; empty if there is none."""
    return "" if value is None else number(metric.lower(), value)


def data_uri(pixels: np.ndarray) -> str:
    """(H, W, 3) uint8 as lossless WebP, or as PNG if a side is longer than WebP's 16383."""
    file, kind = BytesIO(), "webp" if max(pixels.shape) <= 16383 else "png"
    # Method 4, the default, saves 1 % and takes twice as long.
    options = {"lossless": True, "method": 2} if kind == "webp" else {}
    PIL.Image.fromarray(pixels).save(file, format=kind, **options)
    return f"data:image/{kind};base64,{b64encode(file.getvalue()).decode()}"
