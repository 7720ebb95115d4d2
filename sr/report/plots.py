"""The report's plots: intervals, quality against cost, learning curves; as SVG and PNG files, and as SVG for the page."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sr.files import whole
from sr.report.front import front
from sr.report.results import Results
from sr.view.table import directed

# Okabe and Ito's colours, distinguishable for the colour-blind, ordered so that neighbours differ; readable on light and
# dark.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#a6761d", "#b2182b", "#5aae61")
MARKERS = "osD^vP*X"
INK, FAINT = "#1d1d1d", "#8a8a8a"  # for light paper; the page has its own colours
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": FAINT,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "svg.fonttype": "path",  # the same on every machine, and labels do not overlap
    "svg.hashsalt": "sr",
}


@dataclass
class Plot:
    """A figure with its file name and a description."""

    name: str
    title: str
    text: str
    figure: Figure

    def save(self, folder: Path) -> list[Path]:
        files = [folder / f"{self.name}.svg", folder / f"{self.name}.png"]
        for file in files:
            with whole(file) as temporary, matplotlib.rc_context(STYLE):
                kind = file.suffix[1:]
                metadata = {"Date": None} if kind == "svg" else {"Software": None}
                self.figure.savefig(temporary, format=kind, dpi=150, facecolor="white", metadata=metadata)
        return files

    def svg(self) -> str:
        """SVG for a page: transparent, in the page's text colours, with unique ids."""
        file = BytesIO()
        with matplotlib.rc_context(STYLE):
            self.figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
        root = ElementTree.fromstring(file.getvalue())
        used = set(re.findall(r"#([\w.-]+)", file.getvalue().decode()))  # other ids, of groups, are not unique in the page
        for part in root.iter():
            for child in [child for child in part if _plain(child.tag) in ("metadata", "style")]:
                part.remove(child)
        for part in root.iter():
            part.tag, part.text, part.tail = _plain(part.tag), (part.text or "").strip() or None, "\n"
            kept = {_plain(key): value.replace(INK, "currentColor") for key, value in part.attrib.items()}
            part.attrib.clear()
            part.attrib |= {key: value for key, value in kept.items() if key != "version" and (key != "id" or value in used)}
        root.attrib |= {"role": "img", "aria-label": self.text}
        return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)


def _plain(name: str) -> str:
    """An XML name without its namespace."""
    return name.rpartition("}")[2]


def colours(names: Sequence[str]) -> dict[str, str]:
    """A colour per variant, the same in all plots and tables; the first, bicubic or the input, is gray."""
    plain, *others = names
    return {plain: FAINT} | {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(others)}


def markers(names: Sequence[str]) -> dict[str, str]:
    """Beyond ten variants colours repeat with another marker."""
    plain, *others = names
    return {plain: "s"} | {name: MARKERS[index // len(COLOURS) % len(MARKERS)] for index, name in enumerate(others)}


@matplotlib.rc_context(STYLE)
def differences(results: Results) -> Plot | None:
    """Each variant's difference to the baseline with its interval: one panel per set."""
    names = [name for name in results.ranking if any((name, benchmark) in results.differences for benchmark in results.sets)]
    names = _without_plain(results, names)
    if not names:
        return None
    figure, all_axes = figure_of(len(results.sets), 0.3 * len(names) + 0.9, share=True)
    colour, marker = colours(results.names), markers(results.names)
    for axes, benchmark in zip(all_axes, results.sets, strict=True):
        axes.axvline(0, color=FAINT, linewidth=1.2)
        for row, name in enumerate(reversed(names)):
            if (one := results.differences.get((name, benchmark))) is None:
                continue
            if one.low is not None:
                axes.plot([one.low, one.high], [row, row], color=colour[name], linewidth=2.4, alpha=0.75)
            axes.plot(one.mean, row, marker[name], color=colour[name], markersize=6)
        axes.set_title(benchmark)
        axes.set_yticks(range(len(names)), list(reversed(names)))
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.grid(False, axis="y")
        axes.set_xlabel(f"{unit_of(results)}, difference to {results.baseline}")
    text = f"Difference of {results.metric} to {results.baseline} with its 95 % interval, as in the table of results."
    return Plot("differences", f"Difference to {results.baseline}", text, figure)


@matplotlib.rc_context(STYLE)
def pareto(results: Results, costs: Mapping[str, tuple[float, float, float]], label: str) -> Plot | None:
    """Quality against cost (low, middle, high), with the range of the cost; the line joins the Pareto front."""
    names = _without_plain(results, [name for name in results.ranking if name in costs])
    if len(names) < 2:
        return None
    figure, (axes,) = figure_of(1, 3.9)
    colour, marker, higher = colours(results.names), markers(results.names), results.higher[results.metric]
    sign = 1 if higher else -1
    spread = {name: (costs[name][0], costs[name][2]) for name in names}
    best = front({name: sign * results.overall[name] for name in names}, spread)
    axes.set_xscale("log")
    points = {name: (costs[name][1], results.overall[name]) for name in names}
    axes.plot(*zip(*(points[name] for name in best), strict=True), "--", color=FAINT, linewidth=1, zorder=1)
    for name, point in points.items():
        axes.plot(spread[name], [point[1]] * 2, color=colour[name], linewidth=2, alpha=0.6, zorder=2)
        axes.plot(*point, marker[name], color=colour[name], markersize=7.5, zorder=3, label=name)
    axes.margins(0.15, 0.12)
    low, high = axes.get_xlim()
    if high < 2 * low:  # small differences of noisy timings should look small
        axes.set_xlim((low * high / 2) ** 0.5, (low * high * 2) ** 0.5)
    axes.set_xlabel(label)
    axes.set_ylabel(f"{unit_of(results)}, mean of {', '.join(results.sets)}")
    _plain_log(axes)
    figure.canvas.draw()
    if not _labels(axes, points, spread):
        figure.legend(loc="outside right upper", frameon=False, fontsize=8.5)
    arrow = "up" if higher else "down"
    text = f"{results.metric} against {label}; better is left and {arrow}."
    text += f" The line joins the networks that no other beats in both: {', '.join(best)}."
    widest = max((high - low) / (2 * costs[name][1]) for name, (low, high) in spread.items())
    if widest:
        text += f" Bars: the quartiles of the rounds, up to ±{widest:.1%}; times with overlapping bars count as equal."
    plain = results.plain
    if plain not in names and plain in results.overall and plain in costs:
        text += f" {plain.capitalize()} is outside the plot: {results.overall[plain]:.4g} at {costs[plain][1]:.2g}."
    return Plot("pareto", f"{results.metric.upper()} against cost", text, figure)


@matplotlib.rc_context(STYLE)
def curves(results: Results, found: Mapping[str, Mapping[str, Sequence[Sequence[tuple[int, float]]]]]) -> Plot | None:
    """Learning curves: column of metrics.csv -> variant -> a curve per seed; the mean, and the range of the seeds."""
    columns = [column for column, by_name in found.items() if any(len(c) > 1 for curves in by_name.values() for c in curves)]
    if not columns:
        return None
    names = [name for name in results.ranking if any(found[column].get(name) for column in columns)]
    fits = int((11 if len(columns) > 1 else 7.4) / (0.075 * (max(map(len, names)) + 7)))  # names per row of the legend
    figure, all_axes = figure_of(len(columns), 3.4 + 0.2 * -(-len(names) // max(fits, 1)))
    colour, marker = colours(results.names), markers(results.names)
    handles = {}
    for axes, column in zip(all_axes, columns, strict=True):
        seen = []
        for name in names:
            seeds = [dict(curve) for curve in found[column].get(name, []) if curve]
            steps = sorted(set.intersection(*(set(seed) for seed in seeds))) if seeds else []
            if not steps:
                continue
            values = np.array([[seed[step] for step in steps] for seed in seeds])
            style = {"marker": marker[name], "markersize": 3.5} if len(steps) < 12 else {}
            style["linestyle"] = "-" if marker[name] == MARKERS[0] else "--"
            (handles[name],) = axes.plot(steps, values.mean(0), color=colour[name], linewidth=1.5, **style)
            if len(seeds) > 1:
                axes.fill_between(steps, values.min(0), values.max(0), color=colour[name], alpha=0.18, linewidth=0)
            seen.append(values)
        higher = not column.startswith("train") and results.higher.get(column.rsplit("/", 1)[-1], True)
        _zoom(axes, np.concatenate([value.ravel() for value in seen]), higher)
        axes.set_title(column if column.startswith("train") else directed(column, higher))
        axes.set_xlabel("step")
    columns_of_names = max(1, min(fits, len(handles)))
    place = {"loc": "outside lower center", "ncols": columns_of_names, "frameon": False, "fontsize": 8.5}
    figure.legend(handles.values(), handles.keys(), **place)
    text = f"Learning curves of {', '.join(columns)}: the mean over seeds; the shaded area is their range."
    return Plot("curves", "Learning curves", text, figure)


def unit(metric: str) -> str:
    """A metric's name and unit, for an axis."""
    name = metric.replace("_", " ").upper() if metric.startswith(("psnr", "ssim")) else metric
    return f"{name} (dB)" if metric.startswith("psnr") else name


def unit_of(results: Results) -> str:
    """The unit of the metric of a report, and its direction."""
    return directed(unit(results.metric), results.higher[results.metric])


def figure_of(panels: int, height: float, *, share: bool = False) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(7.4 if panels == 1 else min(3.9 * panels, 11), height), layout="constrained")
    FigureCanvasAgg(figure)  # without pyplot, which needs a display and keeps figures
    return figure, figure.subplots(1, panels, sharey=share, squeeze=False)[0]


def _zoom(axes: Axes, values: np.ndarray, higher: bool) -> None:
    """Y limits: the first steps of a loss, or of a PSNR from scratch, would flatten the rest."""
    low, high = np.percentile(values, [12, 100] if higher else [0, 97])
    room = 0.06 * (high - low) or 0.01
    axes.set_ylim(max(low - room, values.min() - room), min(high + room, values.max() + room))


def _plain_log(axes: Axes) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 300 else (1.0,), numticks=12))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _without_plain(results: Results, names: list[str]) -> list[str]:
    """The names without bicubic, which is so far from several networks that it would hide their differences."""
    others = [name for name in names if name != results.plain]
    return others if len(others) > 1 else names


def _labels(axes: Axes, points: Mapping[str, tuple[float, float]], spread: Mapping[str, tuple[float, float]]) -> bool:
    """Labels next to their points, each at the first free place; removes all and returns False if one has no free place."""
    renderer = axes.figure.canvas.get_renderer()
    taken = [_around(axes.transData.transform(point), 5) for point in points.values()]
    for name, (low, high) in spread.items():
        ends = [axes.transData.transform((x, points[name][1])) for x in (low, high)]
        taken.append(_around(ends[0], 1).union([_around(end, 1) for end in ends]))
    inside, made = axes.get_window_extent(renderer), []
    offsets = [(8, 0, "left"), (-8, 0, "right"), (0, 11, "center"), (0, -11, "center"), (7, 9, "left"), (7, -9, "left")]
    for name, point in points.items():
        for dx, dy, side in offsets:
            label = axes.annotate(name, point, (dx, dy), textcoords="offset points", ha=side, va="center", fontsize=8.5)
            box = label.get_window_extent(renderer)
            free = inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1
            if free and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                made.append(label)
                break
            label.remove()
        else:
            for label in made:
                label.remove()
            return False
    return True


def _around(point: np.ndarray, radius: float):
    from matplotlib.transforms import Bbox

    return Bbox([point - radius, point + radius])
