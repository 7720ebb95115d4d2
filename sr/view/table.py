"""Results as text: a table of the network against bicubic, and metrics.json."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sr.files import whole
from sr.view.line import lr_line, metrics_line

BICUBIC = "bicubic"


def plain_name(scale: float | None, interpolation: str = BICUBIC) -> str:
    """What the images without a network are called: bicubic (volumes: trilinear); at scale 1 they are the input unchanged."""
    return "input" if scale == 1 and interpolation == BICUBIC else interpolation


def digits(metric: str) -> int:
    """Decimal places, as in papers: two for PSNR in dB, four for every other metric."""
    return 2 if metric.startswith("psnr") else 4


def number(metric: str, value: float, *, sign: bool = False, more: int = 0) -> str:
    """A score as text; `sign` shows a plus; `more` adds decimal places."""
    return f"{value:{'+' if sign else ''}.{digits(metric) + more}f}"


def counted(count: int, clips: bool) -> str:
    """Number of images of a set, for a header: "5", of clips "5 clips"."""
    return f"{count} clip{'s' if count != 1 else ''}" if clips else str(count)


def comparison(
    results: Mapping[str, Any],
    name: str,
    measured: str = "",
    metrics: Mapping[str, Mapping[str, Any]] | None = None,
    scale: float | None = None,
) -> str:
    """A Markdown table: per benchmark rows for bicubic (of volumes: trilinear and B-spline interpolation), the network, its
    difference from the first of them, and HR itself where a metric scores it.

    Metrics whose lower score is better have an arrow down in the header, and lines below say how each was measured, and which
    degradation made the LR of a set.

    Args:
        results: set -> {metric: mean, "bicubic": {metric: mean}, "hr": {metric: mean}, "images": {...}}; other baselines are
            like bicubic; "frames" has the scores of each frame of clips.
        name: label of the network's rows.
        measured: what the scores are computed on, for the header: "gray"; "" if the metrics' names say it.
        metrics: their records (`sr.metric.record`), where they are known.
        scale: of the network; at scale 1 bicubic changes nothing, and its rows are called "input".
    """
    if not results:
        return "nothing was tested"
    first = next(iter(results.values()))
    others = ("hr", "images", "degraded", "frames")
    baselines = [key for key, value in first.items() if isinstance(value, Mapping) and key not in others]
    records, metrics = metrics or {}, [key for key in first if key not in (*baselines, *others)]
    rows = [["benchmark", "", *(_head(metric, measured, records.get(metric, {})) for metric in metrics)]]
    for benchmark, scores in results.items():
        label = f"{benchmark} ({counted(len(scores['images']), 'frames' in scores)})"
        for baseline in baselines:
            rows.append([label, plain_name(scale, baseline), *(number(m, scores[baseline][m]) for m in metrics)])
            label = ""
        rows.append(["", name, *(number(m, scores[m]) for m in metrics)])
        rows.append(["", "difference", *(number(m, scores[m] - scores[baselines[0]][m], sign=True) for m in metrics)])
        if own := scores.get("hr"):
            rows.append(["", "HR", *(number(m, own[m]) if m in own else "" for m in metrics)])
    made = [lr_line(benchmark, scores["degraded"]) for benchmark, scores in results.items() if "degraded" in scores]
    return "\n\n".join(
        filter(None, (markdown(rows), *made, metrics_line({key: records[key] for key in metrics if key in records})))
    )


def _head(metric: str, measured: str, record: Mapping[str, Any]) -> str:
    """A metric's column: "niqe ↓" where lower is better."""
    return directed(f"{metric} ({measured})" if measured else metric, record.get("higher_is_better", True))


def directed(name: str, higher: bool) -> str:
    """The name of a score, with an arrow down where lower is better."""
    return name if higher else f"{name} ↓"


def markdown(rows: list[list[str]]) -> str:
    """Rows of strings, the first of which is the header, as an aligned Markdown table."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def write_metrics(results: Mapping[str, Any], folder: str | Path) -> Path:
    """Write metrics.json to a folder, atomically."""
    file = Path(folder) / "metrics.json"
    with whole(file) as temporary:
        temporary.write_text(json.dumps(results, indent=1) + "\n")
    return file


def write_records(metrics: Mapping[str, Any], folder: str | Path) -> None:
    """metric_records.json in a folder: how each metric measured. A training run has the same in run.json, as `metrics`."""
    with whole(Path(folder) / "metric_records.json") as temporary:
        temporary.write_text(json.dumps(metrics, indent=1) + "\n")


def write_table(table: str, folder: str | Path) -> None:
    """Write table.md to a folder, atomically."""
    with whole(Path(folder) / "table.md") as temporary:
        temporary.write_text(table + "\n")
