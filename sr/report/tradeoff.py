"""Perception against distortion: how an image looks, and how near it is to HR; no network can be best in both.

Blau, Michaeli: The Perception-Distortion Tradeoff, 2018, arXiv:1711.06077.
"""

from fnmatch import fnmatchcase

import matplotlib

from sr.report.plots import STYLE, Plot, colours, directed, figure_of, markers, unit
from sr.report.results import Results

PERCEPTUAL = (
    "lpips",
    "dists",
    "vgg_distance",
    "pyiqa_*",
    "arniqa",
    "clip_iqa",
    "niqe",
)  # the first that runs have


def axes_of(results: Results) -> tuple[str, str] | None:
    """The metric of distortion and that of perception, if all runs have both."""
    distortion = next((name for name in ("psnr", "psnr_rgb") if name in results.metrics), None)
    found = (name for pattern in PERCEPTUAL for name in results.metrics if fnmatchcase(name, pattern))
    perception = next(found, None)
    return None if distortion is None or perception is None else (distortion, perception)


@matplotlib.rc_context(STYLE)
def tradeoff(results: Results) -> Plot | None:
    """Each variant's perceptual metric against its PSNR, both with intervals: a panel per set. None without such metrics."""
    if (both := axes_of(results)) is None:
        return None
    names = [name for name in results.names if any((name, one, both[1]) in results.estimates for one in results.sets)]
    if len(names) < 2:
        return None
    figure, panels = figure_of(len(results.sets), 3.9)
    colour, marker = colours(results.names), markers(results.names)
    for axes, benchmark in zip(panels, results.sets, strict=True):
        for name in names:
            found = [results.estimates.get((name, benchmark, metric)) for metric in both]
            if None in found:
                continue
            x, y = found
            if x.low is not None:
                axes.plot([x.low, x.high], [y.mean] * 2, color=colour[name], linewidth=1.6, alpha=0.6)
            if y.low is not None:
                axes.plot([x.mean] * 2, [y.low, y.high], color=colour[name], linewidth=1.6, alpha=0.6)
            axes.plot(x.mean, y.mean, marker[name], color=colour[name], markersize=7, label=name)
        axes.set_title(benchmark)
        axes.set_xlabel(directed(unit(both[0]), results.higher[both[0]]))
        axes.set_ylabel(directed(unit(both[1]), results.higher[both[1]]))
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 5), frameon=False, fontsize=8.5)
    arrow = "up" if results.higher[both[1]] else "down"
    text = f"{both[1]} against {both[0]}, with 95 % intervals over {results.unit}; better is right and {arrow}."
    return Plot("tradeoff", "Perception and distortion", text, figure)
