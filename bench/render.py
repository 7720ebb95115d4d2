"""Writes the tables and the plot of bench/README.md from results.jsonl, between its markers `<!-- name -->`.

    python bench/render.py

Of each thing that was measured the latest result counts.
"""

import json
from collections.abc import Callable
from pathlib import Path

from common import RESULTS, options
from sr.files import whole
from sr.view.table import markdown

README = Path(__file__).with_name("README.md")
PLOT = Path(__file__).with_name("overhead.svg")
LIMIT = 1.05  # of a training step, over the bare loop


def _trained(result: dict) -> str:
    """The network, and what of its recipe was changed beside the batch."""
    return " ".join([result["network"], *(w for w in result["words"].split() if "." in w and "batch_size" not in w)])


# bench -> what tells one result from another, columns: header -> text
Columns = dict[str, Callable[[dict], str]]
TABLES: dict[str, tuple[tuple[str, ...], Columns]] = {
    "train": (
        ("network", "precision", "words", "threads"),
        {
            "network": _trained,
            "batch, patch": lambda r: f"{r['batch']}, {r['patch']}",
            "precision": lambda r: r["precision"],
            "threads": lambda r: str(r["threads"]),
            "images/s": lambda r: f"{r['images_per_second']:.1f}",
            "step, ms": lambda r: f"{r['ours_clock_ms']:.0f}",
            "bare loop, ms": lambda r: f"{r['bare_clock_ms']:.0f}",
            "ratio": lambda r: f"{r['ratio_clock']:.3f}",
            "ratio, processor": lambda r: f"{r['ratio_processor']:.3f}",
            "waits for data, ms": lambda r: f"{r['waiting_ms']:.1f}",
            "degrades, augments, ms": lambda r: f"{r['device_part_ms']:.1f}" if "device_part_ms" in r else "",
            "activations, MB": lambda r: f"{r['activations_mb']:.0f}",
            "load": lambda r: str(r["load"]),
        },
    ),
    "start": (
        ("threads",),
        {
            "threads": lambda r: str(r["threads"]),
            "imports alone, s": lambda r: f"{r['imports_alone']:.1f}" if "imports_alone" in r else "",
            "first run, files not in memory, s": lambda r: f"{r['first_seconds']:.1f}",
            "later, s": lambda r: f"{r['seconds']:.1f}",
            "load": lambda r: str(r["load"]),
        },
    ),
    "metric": (
        ("what", "threads"),
        {
            "what": lambda r: r["what"],
            "ms": lambda r: f"{r.get('ours_clock_ms', r.get('milliseconds')):.1f}",
            "forward alone, ms": lambda r: f"{r['bare_clock_ms']:.1f}" if "bare_clock_ms" in r else "",
            "ratio": lambda r: f"{r['ratio_clock']:.3f}" if "ratio_clock" in r else "",
            "ratio, processor": lambda r: f"{r['ratio_processor']:.3f}" if "ratio_processor" in r else "",
            "load": lambda r: str(r["load"]),
        },
    ),
    "checkpoint": (
        ("what", "files", "threads"),
        {
            "files": lambda r: r["files"],
            "MB each": lambda r: f"{r['size_mb']:.0f}",
            "training": lambda r: r["what"],
            "threads": lambda r: str(r["threads"]),
            "in the background, ms": lambda r: f"{r['ours_clock_ms']:.0f}",
            "at once, ms": lambda r: f"{r['bare_clock_ms']:.0f}",
            "ratio": lambda r: f"{r['ratio_clock']:.2f}",
            "load": lambda r: str(r["load"]),
        },
    ),
    "degradation": (
        ("what", "threads"),
        {
            "degradation": lambda r: r["what"],
            "ms a batch": lambda r: f"{r['ours_processor_ms']:.1f}",
            "plain PyTorch or Pillow, ms": lambda r: f"{r['bare_processor_ms']:.1f}",
            "ratio": lambda r: f"{r['ratio_processor']:.2f}",
        },
    ),
    "scale": (
        ("processes", "batch"),
        {
            "processes": lambda r: str(r["processes"]),
            "images/s": lambda r: f"{r['images_per_second']:.1f}",
            "efficiency": lambda r: f"{r['efficiency']:.0%}",
            "machine": lambda r: f"{r['machine']:.0%}",
            "framework": lambda r: f"{r['framework']:.0%}",
            "load": lambda r: str(r["load"]),
        },
    ),
}


def latest(bench: str, keys: tuple[str, ...], results: list[dict]) -> list[dict]:
    return list({tuple(r.get(key) for key in keys): r for r in results if r["bench"] == bench}.values())


def table(bench: str, results: list[dict]) -> str:
    keys, columns = TABLES[bench]
    rows = latest(bench, keys, results)
    where = sorted({f"{r['device']}, torch {r['torch']}, commit {r['commit']}" for r in rows})
    return "\n".join([markdown([list(columns), *([make(r) for make in columns.values()] for r in rows)]), "", *where])


def plot(results: list[dict]) -> str:
    """Bars of the ratio of a training step to the bare loop, the middle half of the pairs, and the limit."""
    rows = latest("train", TABLES["train"][0], results)
    width, bar, left = 640, 26, 220
    top = max([LIMIT, *(r["ratio_processor_high"] for r in rows)]) + 0.02
    at = lambda ratio: left + (width - left - 60) * max(0.0, ratio - 0.9) / (top - 0.9)  # noqa: E731
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{bar * len(rows) + 40}" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="white"/>'
    ]
    for index, r in enumerate(rows):
        y = 10 + bar * index
        label = f"{_trained(r).replace('model.compile=true', 'compiled')}, {r['precision']}"
        lines += [
            f'<text x="6" y="{y + 14}">{label}</text>',
            f'<rect x="{left}" y="{y + 3}" width="{at(r["ratio_processor"]) - left:.1f}" height="14" fill="#5b8cb8"/>',
            f'<path d="M{at(r["ratio_processor_low"]):.1f} {y + 10}H{at(r["ratio_processor_high"]):.1f}" stroke="black"/>',
            f'<text x="{width - 52}" y="{y + 14}">{r["ratio_processor"]:.3f}</text>',
        ]
    end = bar * len(rows) + 12
    lines.append(f'<path d="M{at(LIMIT):.1f} 6V{end}" stroke="#b33" stroke-dasharray="4 3"/>')
    what = f"step of the framework / bare loop (processor time); dashed: {LIMIT}"
    lines.append(f'<text x="{left}" y="{end + 18}">{what}</text></svg>')
    return "\n".join(lines) + "\n"


def main() -> None:
    options(__doc__)
    results = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.is_file() else []
    text = README.read_text()
    for bench in TABLES:
        start, end = f"<!-- {bench} -->\n", f"<!-- /{bench} -->"
        if start in text and any(r["bench"] == bench for r in results):
            before, rest = text.split(start)
            text = f"{before}{start}\n{table(bench, results)}\n\n{end}{rest.split(end, 1)[1]}"
    with whole(README) as temporary:
        temporary.write_text(text)
    if any(r["bench"] == "train" for r in results):
        PLOT.write_text(plot(results))
    print(f"{README}: tables of {len(results)} results")


if __name__ == "__main__":
    main()
