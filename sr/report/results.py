"""The results on the images that all runs measured: means with intervals, differences to the baseline, a ranking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sr.errors import InputError
from sr.report.consistent import other_images, other_measures
from sr.report.runs import Run, Scores
from sr.report.statistics import Difference, Estimate, corrected, difference, estimate, smallest
from sr.report.variants import Variant
from sr.view.line import lr_line
from sr.view.table import BICUBIC, plain_name
from sr.view.table import number as printed


@dataclass
class Results:
    """Numbers of a report; keys are (variant, set) or (variant, set, metric)."""

    metric: str  # ranks and tests the variants
    baseline: str
    metrics: list[str]
    higher: dict[str, bool]  # metric -> higher is better
    sets: dict[str, list[str]]  # set -> images
    names: list[str]  # `plain` first, then the variants
    estimates: dict[tuple[str, str, str], Estimate] = field(default_factory=dict)
    differences: dict[tuple[str, str], Difference] = field(default_factory=dict)
    overall: dict[str, float] = field(default_factory=dict)  # mean of the ranking metric over the sets
    spread: dict[tuple[str, str], float] = field(default_factory=dict)  # (set, image) -> how much the variants differ
    image_scores: dict[str, dict[tuple[str, str], float]] = field(default_factory=dict)  # variant -> image -> ranking metric
    notes: list[str] = field(default_factory=list)
    draws: int = 10_000  # random sign flips of a test on a set with too many images to try all
    clips: frozenset[str] = frozenset()  # sets of clips

    @property
    def unit(self) -> str:
        """What intervals and tests are over."""
        return "clips" if self.sets and self.clips >= self.sets.keys() else "images"

    @property
    def plain(self) -> str:
        """The row without a network: bicubic (volumes: trilinear), or the input at scale 1."""
        return self.names[0]

    @property
    def ranking(self) -> list[str]:
        """Names, best first."""
        sign = -1 if self.higher[self.metric] else 1
        return sorted(self.overall, key=lambda name: sign * self.overall[name])

    def best(self, benchmark: str, metric: str) -> str | None:
        """The variant with the best mean on a set."""
        keys = {name: (name, benchmark, metric) for name in self.names}
        found = {name: self.estimates[key].mean for name, key in keys.items() if key in self.estimates}
        choose = max if self.higher[metric] else min
        return choose(found, key=found.__getitem__) if len(found) > 1 else None

    @property
    def comparisons(self) -> int:
        return sum(one.p is not None for one in self.differences.values())


def common(runs: Sequence[Run]) -> tuple[dict[str, list[str]], list[str], list[str]]:
    """(set -> images, metrics) that all runs have, and what was left out.

    Raises:
        InputError: runs of two scales, or nothing in common.
    """
    scales = {run.scale: run.folder for run in runs}
    if len(scales) > 1:
        (one, its), (other, others) = list(scales.items())[:2]
        raise InputError(f"{its} has scale {one} and {others} scale {other}: report one scale at a time")
    notes = []
    every = list(dict.fromkeys(name for run in runs for name in run.scores))
    sets = {}
    for name in every:
        if lacking := [run for run in runs if not run.scores.get(name)]:
            count = f"{len(lacking)} of {len(runs)} runs"
            notes.append(f"{name} is left out: {count} did not measure it ({lacking[0].folder}).")
            continue
        images = [image for image in runs[0].scores[name] if all(image in run.scores[name] for run in runs)]
        most = max(len(run.scores[name]) for run in runs)
        if len(images) < most:
            what = "clips" if name in runs[0].clips else "images"
            notes.append(f"{name}: compared on the {len(images)} of {most} {what} that all runs measured.")
        if images:
            sets[name] = images
    rows = [run.scores[name][image] for run in runs for name, images in sets.items() for image in images]
    metrics = [metric for metric in rows[0] if all(metric in row for row in rows)] if rows else []
    for metric, why in other_measures(runs, metrics).items():
        metrics.remove(metric)
        notes.append(why)
    for name in list(sets):
        if why := other_images(runs, name, metrics):
            del sets[name]
            notes.append(why)
    notes += [line for name, images in sets.items() if (line := _of_hr(runs, name, images, metrics))]
    notes += [lr_line(name, runs[0].degraded[name]) + "." for name in sets if name in runs[0].degraded]
    if not sets or not metrics:
        said = " ".join([f"the runs have no measured images in common ({', '.join(every)}): pass fewer runs.", *notes])
        raise InputError(said)
    return sets, metrics, notes


def _of_hr(runs: Sequence[Run], name: str, images: Sequence[str], metrics: Sequence[str]) -> str:
    """What metrics of a task score on HR itself, of a run that measured the same images; "" if no metric does."""
    known = next((run.hr[name] for run in runs if name in run.hr and len(run.scores[name]) == len(images)), {})
    said = ", ".join(f"{metric} {printed(metric, known[metric])}" for metric in metrics if metric in known)
    return f"HR itself scores on {name}: {said}." if said else ""


def analyse(
    variants: Sequence[Variant],
    *,
    metric: str,
    baseline: str | None,
    higher: Mapping[str, bool],
    bicubic: Scores | None = None,
    draws: int = 10_000,
    seed: int = 0,
) -> Results:
    """Intervals, tests and ranking.

    Args:
        baseline: name of a variant or "bicubic" (volumes: trilinear; at scale 1 the input); None: the variant named baseline,
            otherwise the first, with one variant bicubic.
        higher: metric -> whether higher is better.
        bicubic: its score per image if it could be measured again; otherwise only its means are known.

    Raises:
        InputError: one line; see `common`, and for an unknown metric or baseline.
    """
    runs = [run for variant in variants for run in variant.runs]
    sets, metrics, notes = common(runs)
    if metric not in metrics:
        why = "".join(f". {note}" for note in notes if note.startswith(f"{metric} is left out"))
        raise InputError(f"metric={metric}: not measured in all runs; choose one of {', '.join(metrics)}{why}")
    names = [plain_name(runs[0].scale, runs[0].interpolation), *(variant.name for variant in variants)]
    baseline = _baseline(baseline, names)
    direction = {name: higher.get(name, True) for name in metrics}
    clips = frozenset(name for run in runs for name in run.clips)
    results = Results(metric, baseline, metrics, direction, sets, names, notes=notes, draws=draws, clips=clips)
    for index, (benchmark, images) in enumerate(sets.items()):
        tables = {variant.name: _table(variant.runs, benchmark, images, metrics) for variant in variants}
        if bicubic and all(image in bicubic.get(benchmark, {}) for image in images):
            known = [bicubic[benchmark][image] for image in images]
            tables[results.plain] = np.array([[[row.get(m, np.nan) for m in metrics] for row in known]])
        tested = {}
        for name, table in tables.items():
            for column, key in enumerate(metrics):
                scores = table[:, :, column]
                if np.isnan(scores).any():
                    continue
                results.estimates[name, benchmark, key] = estimate(scores, most=1 if "ssim" in key else None)
                if key == metric:
                    tested[name] = scores
                    results.image_scores.setdefault(name, {}).update(
                        {(benchmark, image): float(value) for image, value in zip(images, scores.mean(0), strict=True)}
                    )
        _recorded_bicubic(results, runs, benchmark, images)
        _compare(results, benchmark, tested, seed=seed + index)
    results.differences = corrected(results.differences)
    for name in names:
        found = [results.estimates.get((name, benchmark, metric)) for benchmark in sets]
        if None not in found:
            results.overall[name] = float(np.mean([one.mean for one in found]))
    _spread(results, variants)
    _remarks(results, variants)
    return results


def _baseline(wanted: str | None, names: Sequence[str]) -> str:
    if wanted is None:
        return "baseline" if "baseline" in names else names[1] if len(names) > 2 else names[0]
    wanted = names[0] if wanted == BICUBIC else wanted
    if wanted not in names:
        raise InputError(f"unknown baseline '{wanted}': choose one of {', '.join(names)}")
    return wanted


def _table(runs: Sequence[Run], benchmark: str, images: Sequence[str], metrics: Sequence[str]) -> np.ndarray:
    """(seeds, images, metrics)."""
    return np.array([[[run.scores[benchmark][image][metric] for metric in metrics] for image in images] for run in runs])


def _recorded_bicubic(results: Results, runs: Sequence[Run], benchmark: str, images: Sequence[str]) -> None:
    """Bicubic's means as recorded by a run, if they could not be measured again."""
    same = [run.bicubic[benchmark] for run in runs if len(run.scores[benchmark]) == len(images)]
    known = next(filter(None, same), {})
    for metric in results.metrics:
        if metric in known:
            results.estimates.setdefault((results.plain, benchmark, metric), Estimate(known[metric]))


def _compare(results: Results, benchmark: str, scores: Mapping[str, np.ndarray], seed: int) -> None:
    """Differences to the baseline; tested if the scores per image are known for both."""
    base = results.estimates.get((results.baseline, benchmark, results.metric))
    for name in results.names:
        own = results.estimates.get((name, benchmark, results.metric))
        if name == results.baseline or own is None or base is None:
            continue
        known = name in scores and results.baseline in scores
        rng = np.random.default_rng([seed, len(results.sets[benchmark])])  # the same sign flips for all variants
        results.differences[name, benchmark] = (
            difference(scores[name], scores[results.baseline], rng, results.draws)
            if known
            else Difference(own.mean - base.mean)
        )


def _spread(results: Results, variants: Sequence[Variant]) -> None:
    """How much the variants differ on each image; a single variant: from bicubic."""
    names = [variant.name for variant in variants]
    compared = names if len(names) > 1 else [*names, results.plain]
    tables = [results.image_scores[name] for name in compared if name in results.image_scores]
    for key in tables[0]:
        values = [table[key] for table in tables]
        results.spread[key] = max(values) - min(values)


def _remarks(results: Results, variants: Sequence[Variant]) -> None:
    """Notes that a reader needs to interpret the numbers."""
    tests = max(results.comparisons, 1)
    for name, images in results.sets.items():
        least = smallest(len(images), results.draws)
        if len(images) == 1:
            one = "clip" if name in results.clips else "image"
            results.notes.append(f"{name} has one {one}: no tests and no intervals.")
        elif least * tests > 0.05:
            after = f", {min(least * tests, 1):.2g} after correction for {tests} comparisons" if tests > 1 else ""
            what = f"{len(images)} {'clips' if name in results.clips else 'images'}"
            results.notes.append(f"{name} has {what}: p cannot be below {least:.3g}{after}, however large the difference.")
    counts = [len(variant.runs) for variant in variants]
    if max(counts) == 1:
        results.notes.append(f"One seed per variant: intervals and p cover the variation of {results.unit}, not of training.")
    elif min(counts) == 1:
        single = [variant.name for variant in variants if len(variant.runs) == 1]
        shown = ", ".join(single[:4]) + (" ..." if len(single) > 4 else "")
        results.notes.append(f"Only one seed: {shown}. Intervals and p do not cover the variation of their training.")
