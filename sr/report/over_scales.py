"""Runs of several scales side by side: the gain over bicubic at each scale, as a table and a curve.

Only differences at one scale are shown: LR of another scale is another task, whose scores cannot be compared.
"""

from collections.abc import Mapping

import matplotlib

from sr.report.plots import STYLE, Plot, colours, figure_of, markers, unit_of
from sr.report.results import Results
from sr.report.tables import number
from sr.view.table import markdown


def table(found: Mapping[float, Results]) -> str:
    """A row for each set and scale, a column for each variant: the mean of the ranking metric. "" without a variant that was
    measured at two scales."""
    names = _names(found)
    if not names:
        return ""
    sets = dict.fromkeys(name for results in found.values() for name in results.sets)
    plain = dict.fromkeys(results.plain for results in found.values())
    rows = [["set", "scale", *plain, *names]]
    for one in sets:
        for scale, results in found.items():
            if one in results.sets:
                metric = results.metric
                means = {name: value for name in (*plain, *names) if (value := _mean(results, name, one)) is not None}
                cells = [number(metric, means[name]) if name in means else "" for name in (*plain, *names)]
                rows.append([f"{one} ({len(results.sets[one])})", f"×{scale:g}", *cells])
    return markdown(rows)


@matplotlib.rc_context(STYLE)
def plot(found: Mapping[float, Results]) -> Plot | None:
    """Each variant's difference to bicubic over the scales, one panel per set; None without a variant measured at two."""
    names = _names(found)
    if not names:
        return None
    sets = dict.fromkeys(name for results in found.values() for name in results.sets)
    figure, panels = figure_of(len(sets), 3.4, share=True)
    colour, marker = colours(["", *names]), markers(["", *names])
    for axes, one in zip(panels, sets, strict=True):
        axes.axhline(0, color=colour[""], linewidth=1.2)
        measured = [scale for scale, results in found.items() if one in results.sets]
        for name in names:
            gains = {scale: _gain(found[scale], name, one) for scale in measured}
            points = [(scale, gain) for scale, gain in gains.items() if gain is not None]
            axes.plot(*zip(*points, strict=True) if points else ([], []), f"{marker[name]}-", color=colour[name], label=name)
        axes.set_title(one)
        axes.set_xticks(measured, [f"×{scale:g}" for scale in measured])
        axes.set_xlabel("scale")
    first = next(iter(found.values()))
    panels[0].set_ylabel(f"{unit_of(first)}, difference to {first.plain}")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(names), frameon=False)
    text = f"Difference of {first.metric} to {first.plain} at each scale, of {', '.join(names)}."
    return Plot("scales", "Gain over the scales", text, figure)


def _names(found: Mapping[float, Results]) -> list[str]:
    """The variants, none if each was measured at one scale only."""
    names = [name for results in found.values() for name in results.names if name != results.plain]
    return list(dict.fromkeys(names)) if len(set(names)) < len(names) else []


def _mean(results: Results, name: str, benchmark: str) -> float | None:
    one = results.estimates.get((name, benchmark, results.metric))
    return None if one is None else one.mean


def _gain(results: Results, name: str, benchmark: str) -> float | None:
    means = [_mean(results, one, benchmark) for one in (name, results.plain)]
    return None if None in means else means[0] - means[1]
