"""Checks whether runs can be compared: same images, same metrics, no run twice."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sr.metric.record import different
from sr.report.runs import Run
from sr.report.variants import Variant
from sr.view.line import made_by, metrics_line

_PLACES = ("weights", "net", "gallery")  # the location of a metric's weights does not change what it measures


def close(a: float, b: float) -> bool:
    """Whether two means of bicubic are from the same pixels; devices differ in the last digits."""
    return abs(a - b) <= 1e-4 + 1e-4 * abs(b)


def one_per_seed(variants: Sequence[Variant], notes: list[str]) -> list[Variant]:
    """Drop runs whose seed a later run of the variant has too: counting them twice would make intervals too narrow."""
    kept = []
    for variant in variants:
        last: dict[Any, Run] = {}
        for run in sorted(variant.runs, key=lambda run: str(run.facts.get("finished") or "")):
            key = ("folder", run.folder) if run.seed is None else ("seed", run.seed)
            if key in last:
                later = f"{run.folder} is a later run of {variant.name} with seed {run.seed}"
                notes.append(f"Not included: {last[key].folder}, because {later}.")
            last[key] = run
        chosen = {id(run) for run in last.values()}
        kept.append(Variant(variant.name, [run for run in variant.runs if id(run) in chosen]))
    return kept


def other_measures(runs: Sequence[Run], metrics: Sequence[str]) -> dict[str, str]:
    """Metric -> why it cannot be compared: its options (border, channel), version or weights differ between runs."""
    found = {}
    for metric in metrics:
        for run in runs[1:]:
            if why := _unlike(runs[0], run, metric):
                found[metric] = f"{metric} is left out: {why}."
    return found


def _unlike(one: Run, other: Run, metric: str) -> str | None:
    """How a metric differs between two runs; older runs without records have only its options."""
    options = _options(one, metric), _options(other, metric)
    if None not in options and options[0] != options[1]:
        return f"its options differ between {one.folder} and {other.folder}"
    what = different(_record(one, metric), _record(other, metric))
    return f"its records differ between {one.folder} and {other.folder} ({', '.join(what)})" if what else None


def measured(runs: Sequence[Run], metrics: Sequence[str]) -> str:
    """The line about how the metrics were measured, from runs that record it; "" if none does."""
    known = {metric: next(filter(None, (_record(run, metric) for run in runs)), None) for metric in metrics}
    text = metrics_line({metric: one for metric, one in known.items() if one})
    silent = sum(not run.facts.get("metrics") for run in runs)
    return f"{text}. {silent} of {len(runs)} runs do not record it." if text and silent else text and f"{text}."


def _record(run: Run, metric: str) -> Mapping[str, Any]:
    known = (run.facts.get("metrics") or {}).get(metric)
    return known if isinstance(known, Mapping) else {}


def other_images(runs: Sequence[Run], benchmark: str, metrics: Sequence[str]) -> str | None:
    """Why a set cannot be compared: its pixels differ between runs, as the scores of bicubic show.

    If runs measured different parts of a set, its config must be the same.
    """
    first = runs[0]
    if made := _other_lr(runs, benchmark):
        return made
    for run in runs[1:]:
        before, after = first.bicubic.get(benchmark, {}), run.bicubic.get(benchmark, {})
        known = [metric for metric in metrics if metric in before and metric in after]
        if run.scores[benchmark].keys() == first.scores[benchmark].keys() and known:
            for metric in known:
                if not close(before[metric], after[metric]):
                    return (
                        f"{benchmark} is left out: its images differ between runs; {_plain(first)} has {metric} "
                        f"{before[metric]:.4f} in {first.folder} and {after[metric]:.4f} in {run.folder}."
                    )
        elif (one := _node(first, benchmark)) != (other := _node(run, benchmark)) and None not in (one, other):
            return f"{benchmark} is left out: its config and its images differ between {first.folder} and {run.folder}."
    return None


def _other_lr(runs: Sequence[Run], benchmark: str) -> str | None:
    """Why LR is not the same in all runs, as the records of those say in which a degradation has made it."""
    first, one = runs[0], runs[0].degraded.get(benchmark)
    for run in runs[1:]:
        other = run.degraded.get(benchmark)
        if (one or {}).get("hash") != (other or {}).get("hash"):
            said = [
                f"{run.folder} by {made_by(made)} ({made.get('hash')})" if made else f"{run.folder} not by a degradation"
                for run, made in ((first, one), (run, other))
            ]
            return f"{benchmark} is left out: its LR was made in {said[0]} and in {said[1]}, which are two tasks."
    return None


def _plain(run: Run) -> str:
    return "the input" if run.scale == 1 else "bicubic"


def _node(run: Run, benchmark: str) -> str | None:
    node = (run.config.get("benchmark") or {}).get(benchmark)
    return None if node is None else json.dumps(node, sort_keys=True, default=str)


def _options(run: Run, metric: str) -> str | None:
    """The options of a metric as text, with interpolations resolved; None if the run has no config of it."""
    node = (run.config.get("metric") or {}).get(metric)
    if not isinstance(node, Mapping):
        return None
    config = OmegaConf.create(run.config)
    options = {}
    for key in node.keys() - set(_PLACES):
        try:
            options[key] = OmegaConf.to_container(OmegaConf.create([OmegaConf.select(config, f"metric.{metric}.{key}")]))
        except OmegaConfBaseException:
            options[key] = node[key]
    return json.dumps(options, sort_keys=True, default=str)
