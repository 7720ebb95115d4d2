"""Makes a report from run folders: reads what they contain, measures the rest, writes one folder."""

import json
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from os.path import commonpath
from pathlib import Path
from typing import Any

import torch

from sr.cli.check import whole_number
from sr.errors import InputError
from sr.files import whole
from sr.functional.axes import is_volume
from sr.predict.files import pick_device
from sr.report import costs, measured, over_scales, page, pictures, plots, samples, scales, tables, votes
from sr.report.consistent import one_per_seed
from sr.report.results import Results, analyse, common
from sr.report.runs import Run, find
from sr.report.tasks import Task, tasks
from sr.report.tradeoff import tradeoff
from sr.report.variants import Variant, differences, group, mixed
from sr.say import warn
from sr.view.table import plain_name

ROUGH, WIDE = 8e6, 24  # bytes of a page that is slow to send; number of variants that crowds the plots


@dataclass(frozen=True)
class Options:
    """The options of a report, as in conf/report.yaml."""

    metric: str | None = None  # None: psnr, otherwise the first that all runs measured
    baseline: str | None = None
    title: str | None = None
    question: str | None = None
    strips: int = 6
    seeds: int = 4
    crop: int = 192
    latency: int | None = 160
    device: str = "auto"
    plots: bool = True
    draws: int = 10_000
    seed: int = 0
    trusted: Collection[str] = ()  # see sr.load


def report(
    sources: Sequence[str], output: str | Path, *, vote_files: Sequence[str] = (), overwrite: bool = False, **options: Any
) -> str:
    """Write report.html, table.md, report.json and the plots; returns the text of table.md.

    Runs of different scales are never compared: each scale has its own report in a folder (x2, x3), listed by report.html and
    table.md. So have runs whose sets all have LR of different degradations. If they share another set, the report compares
    them on it, and has a table for each degradation.

    Args:
        options: those of `Options`.

    Raises:
        InputError, StorageError: one line; nothing was written.
    """
    output, wanted = Path(output), Options(**options)
    _check(output, overwrite, wanted)
    ballots = [vote for file in vote_files for vote in votes.read(file)]
    made = scales.parts(find(sources))
    if len(made) == 1:
        content, numbers = _content(made[0].runs, wanted, ballots)
        text = _markdown(content)
        _write(output, content, text, numbers, wanted)
        return text
    if ballots:
        raise InputError("votes=... needs runs of one scale and one task: pass only those in runs=...")
    found = {}
    for part, (content, numbers) in [(part, _content(part.runs, wanted, [], several=True)) for part in made]:
        part.answer, part.text = content.answer, _markdown(content)
        _write(output / part.folder, content, part.text, numbers, wanted)
        found.setdefault(part.runs[0].scale, []).append(content.results)
    alone = {scale: results[0] for scale, results in found.items() if len(results) == 1}  # with one task at this scale
    curve = over_scales.plot(alone) if wanted.plots else None
    if curve is not None:
        curve.save(output)
    return scales.index(output, made, over_scales.table(alone), curve)


def _content(
    every: Sequence[Run], options: Options, ballots: Sequence[dict[str, str]], *, several: bool = False
) -> tuple[page.Content, dict[str, Any]]:
    """The report of runs of one scale with a set in common, and its numbers in machine-readable form."""
    usable, variants, notes = _variants(every)
    sets, metrics, _ = common(usable)
    benchmarks = measured.benchmarks(usable[0], list(sets), notes)
    higher = measured.directions(usable, metrics, notes)
    bicubic = measured.bicubic(benchmarks, metrics, usable)
    baseline = options.baseline
    plain = plain_name(usable[0].scale, usable[0].interpolation)
    if several and baseline not in (None, "bicubic", plain, *(variant.name for variant in variants)):
        notes.append(f"No run of this report belongs to the requested baseline {baseline}.")
        baseline = None
    chances = {"draws": options.draws, "seed": options.seed}
    if options.metric is None:
        options = replace(options, metric="psnr" if "psnr" in metrics else metrics[0])
        if options.metric != "psnr":
            notes.append(f"Ranked by {options.metric}, the first metric of these runs: pass metric=... for another one.")
    results = analyse(variants, metric=options.metric, baseline=baseline, higher=higher, bicubic=bicubic, **chances)
    notes = results.notes + notes
    separate = [_task(task, variants, options, higher, notes) for task in tasks(usable)]
    tallies = votes.count(ballots, results.names)

    where = pick_device(options.device)
    networks = measured.networks_of(variants, notes, options.trusted)
    known = measured.costs_of(variants, networks, options.latency, where, usable[0].scale, notes)
    chosen = sorted(results.spread, key=lambda key: -results.spread[key]) if networks and benchmarks else []
    if of_volumes := any(is_volume(network) for network in networks.values()):
        chosen = []
        notes.append("Pictures of volumes are in the folder images/test of each run.")
    if private := sorted(name for name, images in benchmarks.items() if measured.is_private(images, usable)):
        chosen = [key for key in chosen if key[0] not in private]
        notes.append(f"Pictures of {', '.join(private)} are of patients: they are in the folder images/test of each run.")
    strips = pictures.strips(
        chosen[: options.strips],
        benchmarks,
        networks,
        crop=options.crop,
        device=where,
        said=notes.append,
        maps=any(name.startswith("truthfulness_") for name in metrics),
    )
    over_seeds = samples.of_seeds(strips, benchmarks, networks, usable[0], metrics, seeds=options.seeds, device=where)
    found = differences(variants)
    content = page.Content(
        title=options.title or _title(usable, variants),
        question=options.question or "",
        answer=tables.answer(results),
        results=results,
        made=_made(usable, where, None if of_volumes else options.latency),
        scores=tables.scores(results, variants),
        others=tables.others(results),
        tasks=[table for table in separate if table is not None],
        costs=tables.costs(results, known),
        keys=tables.keys(variants, found),
        runs=tables.runs(variants, every),
        plots=_plots(results, variants, known, notes) if options.plots else [],
        strips=strips,
        seeds=over_seeds,
        tallies=tallies,
        notes=notes,
    )
    return content, _numbers(content, known, found, every, variants)


def _task(
    task: Task, variants: Sequence[Variant], options: Options, higher: Mapping[str, bool], notes: list[str]
) -> tables.Table | None:
    """The table of the runs that measured a set on the same LR; None, and a note, if they did not measure the metric."""
    own = task.alone(variants)
    runs = [run for variant in own for run in variant.runs]
    name = options.baseline if options.baseline in ("bicubic", *(variant.name for variant in own)) else None
    try:
        _, metrics, _ = common(runs)
        bicubic = measured.bicubic(measured.benchmarks(runs[0], [task.benchmark], notes), metrics, runs)
        chances = {"draws": options.draws, "seed": options.seed}
        results = analyse(own, metric=options.metric, baseline=name, higher=higher, bicubic=bicubic, **chances)
    except InputError as error:
        notes.append(f"No table of {task.title}: {error}")
        return None
    return tables.of_task(task, results, own)


def _check(output: Path, overwrite: bool, options: Options) -> None:
    """Refuse invalid options before any run is read."""
    if output.exists() and not output.is_dir():
        raise InputError(f"output={output} is a file: pass a folder")
    if (output / "report.html").exists() and not overwrite:
        raise InputError(f"{output}/report.html already exists: pass overwrite=true or another output")
    for key, least in {"draws": 1000, "strips": 0, "seeds": 0, "crop": 16, "latency": 8, "seed": 0}.items():
        whole_number(key, getattr(options, key), least, null=key == "latency")


def _variants(every: Sequence[Run]) -> tuple[list[Run], list[Variant], list[str]]:
    """The runs with results, grouped into variants, and notes for the reader."""
    notes = [f"Not included: {run.folder} ({run.status})." for run in every if not run.scores]
    variants = one_per_seed(group([run for run in every if run.scores]), notes)
    usable = [run for variant in variants for run in variant.runs]
    if early := [run for run in usable if run.facts.get("stopped_early")]:
        first = f"{early[0].folder}, {early[0].facts['stopped_early'].get('reason')}"
        notes.append(f"Stopped early: {len(early)} of {len(usable)} runs ({first}); steps and costs are the actual ones.")
    for variant in variants:
        if keys := mixed(variant):
            notes.append(f"The runs of {variant.name} differ in more than the seed: {', '.join(keys[:5])}.")
    if len(variants) > WIDE:
        warn(f"{len(variants)} variants crowd the plots: report fewer runs at a time")
    return usable, variants, notes


def _plots(
    results: Results, variants: Sequence[Variant], known: Mapping[str, costs.Cost], notes: list[str]
) -> list[plots.Plot]:
    seconds = {name: (one.low, one.seconds, one.high) for name, cost in known.items() if (one := cost.timing)}
    work = {name: (cost.multiply_adds / 1e9,) * 3 for name, cost in known.items() if cost.multiply_adds}
    axis = (seconds, "seconds per megapixel of output") if seconds else (work, "multiply-adds of a 1280×720 output, G")
    columns = measured.curves_of(variants, results.metric, notes)
    curves = {column: {variant.name: [run.curve(column) for run in variant.runs] for variant in variants} for column in columns}
    made = [plots.differences(results), tradeoff(results), plots.pareto(results, *axis), plots.curves(results, curves)]
    return [plot for plot in made if plot is not None]


def _title(runs: Sequence[Run], variants: Sequence[Variant]) -> str:
    studies = list(dict.fromkeys(run.facts.get("study") or run.config.get("study") for run in runs))
    if studies[0] and len(studies) == 1:
        return str(studies[0])
    if len(runs) == 1:
        return variants[0].name
    return Path(commonpath([run.folder.resolve().parent for run in runs])).name or "Runs"


def _made(runs: Sequence[Run], device: torch.device, latency: int | None) -> str:
    commits = sorted({str(run.facts["commit"])[:10] for run in runs if run.facts.get("commit")})
    timed = f" Timed on {measured.hardware(device)}, {latency}×{latency} LR pixels, float32." if latency else ""
    code = f" Code of the runs: {', '.join(commits)}." if commits else ""
    count = f"{len(runs)} run{'s' if len(runs) > 1 else ''}"
    return f"{count}, ×{runs[0].scale}.{timed}{code} Made by report.py, {time.strftime('%Y-%m-%d')}."


def _markdown(content: page.Content) -> str:
    parts = [f"**{content.answer}**", content.scores.markdown(), content.scores.note]
    for table in content.tasks:
        parts += [f"**{table.title}**", table.markdown(), table.note]
    for table in (content.others, content.seeds, content.costs):
        if table is not None:
            parts += [table.markdown(), *([table.note] if table.note else [])]
    parts += [f"- {tally}" for tally in content.tallies]
    if content.notes:
        parts.append("\n".join(f"- {note}" for note in content.notes))
    return "\n\n".join([*([content.question] if content.question else []), *parts, content.made]) + "\n"


def _numbers(
    content: page.Content,
    known: Mapping[str, costs.Cost],
    found: Mapping[str, Sequence[str]],
    every: Sequence[Run],
    variants: Sequence[Variant],
) -> dict[str, Any]:
    """The content of the page in machine-readable form."""
    results, names = content.results, [variant.name for variant in variants]
    scores: dict[str, dict] = {name: {benchmark: {} for benchmark in results.sets} for name in results.names}
    for (name, benchmark, metric), one in results.estimates.items():
        scores[name][benchmark][metric] = asdict(one)
    return {
        "title": content.title,
        "question": content.question,
        "answer": content.answer,
        "metric": results.metric,
        "baseline": results.baseline,
        "comparisons": results.comparisons,
        "ranking": results.ranking,
        "sets": results.sets,
        "scores": scores,
        "tasks": [
            {"title": table.title, "head": table.head, "rows": {name: list(map(str, row)) for name, row in table.rows.items()}}
            for table in content.tasks
        ],
        "differences": {
            name: {benchmark: asdict(one) for (other, benchmark), one in results.differences.items() if other == name}
            for name in results.names
        },
        "seeds": {} if content.seeds is None else {name: list(map(str, row)) for name, row in content.seeds.rows.items()},
        "costs": {name: asdict(cost) for name, cost in known.items()},
        "config": {key: dict(zip(names, values, strict=True)) for key, values in found.items()},
        "strips": [{"set": strip.benchmark, "image": strip.image, "place": strip.place} for strip in content.strips],
        "votes": [asdict(tally) for tally in content.tallies],
        "runs": [{"folder": str(run.folder), "seed": run.seed, "status": run.status} for run in every],
        "notes": list(content.notes),
    }


def _write(output: Path, content: page.Content, text: str, numbers: Mapping[str, Any], options: Options) -> None:
    """Write all files of a report."""
    files = {
        "report.html": page.render(content),
        "table.md": [text],
        "report.json": [json.dumps(numbers, indent=1) + "\n"],
    }
    for name, parts in files.items():
        with whole(output / name) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(parts)
    for plot in content.plots:
        plot.save(output)
    size = (output / "report.html").stat().st_size
    if size > ROUGH:
        smaller = f"strips={options.strips // 2} or crop={options.crop // 2}"
        print(f"{output}/report.html has {size / 1e6:.0f} MB; for a smaller page pass {smaller}", file=sys.stderr)
