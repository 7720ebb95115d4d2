"""From run folders to the report: what they say is read, what they do not say is measured, and written in one folder."""

import json
import math
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from os.path import commonpath
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sr import build, checkpoint
from sr.check import whole_number
from sr.errors import InputError
from sr.files import whole
from sr.network.interpolation import Interpolation
from sr.predict import pick_device
from sr.report import costs, page, pictures, plots, tables, votes
from sr.report.results import BICUBIC, Results, analyse, common
from sr.report.runs import Run, Scores, find
from sr.report.variants import Variant, differences, group, mixed
from sr.resize import imresize

ROUGH, WIDE = 8e6, 24  # bytes of a page that is slow to send; variants that make plots crowded


def report(
    sources: Sequence[str],
    output: str | Path,
    *,
    metric: str = "psnr",
    baseline: str | None = None,
    title: str | None = None,
    question: str | None = None,
    strips: int = 6,
    crop: int = 192,
    latency: int | None = 160,
    vote_files: Sequence[str] = (),
    device: str = "auto",
    draws: int = 10_000,
    seed: int = 0,
    overwrite: bool = False,
) -> str:
    """Write report.html, table.md, report.json and the plots; returns the text of table.md.

    Raises:
        ValueError, OSError: one line; nothing has been written.
    """
    output = Path(output)
    _check(output, overwrite, strips=strips, crop=crop, latency=latency, draws=draws, seed=seed)
    ballots = [vote for file in vote_files for vote in votes.read(file)]
    every = find(sources)
    usable, variants, notes = _variants(every)
    sets, metrics, _ = common(usable)
    benchmarks = _benchmarks(usable[0], list(sets), notes)
    higher = {name: True for name in metrics} | build.higher_is_better(usable[0].config)
    bicubic = _bicubic(benchmarks, sets, metrics, usable)
    results = analyse(variants, metric=metric, baseline=baseline, higher=higher, bicubic=bicubic, draws=draws, seed=seed)
    notes = results.notes + notes
    tallies = votes.count(ballots, results.names)

    where = pick_device(device)
    networks = _networks(variants, notes)
    known = _costs(variants, networks, latency, where, usable[0].scale)
    chosen = sorted(results.spread, key=lambda key: -results.spread[key])[:strips] if networks and benchmarks else []
    found = differences(variants)
    content = page.Content(
        title=title or _title(usable, variants),
        question=question or "",
        answer=tables.answer(results),
        results=results,
        made=_made(usable, where, latency),
        scores=tables.scores(results, variants),
        others=tables.others(results),
        costs=tables.costs(results, known),
        keys=tables.keys(variants, found),
        runs=tables.runs(variants, every),
        plots=_plots(results, variants, known),
        strips=pictures.strips(chosen, benchmarks, networks, crop=crop, device=where, said=notes.append),
        tallies=tallies,
        notes=notes,
    )
    text = _markdown(content)
    size = _write(output, content, text, _numbers(content, known, found, every, variants))
    if size > ROUGH:
        print(f"report.html has {size / 1e6:.0f} MB: strips={strips // 2} or crop={crop // 2} make it smaller", file=sys.stderr)
    return text


def _check(output: Path, overwrite: bool, **numbers: int | None) -> None:
    """Everything that can be refused before a run is read."""
    if output.exists() and not output.is_dir():
        raise InputError(f"output={output} is a file: name a folder")
    if (output / "report.html").exists() and not overwrite:
        raise InputError(f"{output}/report.html is there already: say overwrite=true or another output")
    least = {"draws": 1000, "strips": 0, "crop": 16, "latency": 8, "seed": 0}
    for key, value in numbers.items():
        whole_number(key, value, least[key], null=key == "latency")


def _variants(every: Sequence[Run]) -> tuple[list[Run], list[Variant], list[str]]:
    """The runs that have results, the same as variants, and what the reader has to know of them."""
    if not every:
        raise InputError("runs=[] names no run: say runs=FOLDER, or a list of them")
    usable = [run for run in every if run.scores]
    if not usable:
        raise InputError(f"none of {len(every)} runs has results; {every[0].folder}: {every[0].status}")
    variants = group(usable)
    notes = [f"Not in the numbers: {run.folder}, {run.status}." for run in every if not run.scores]
    for variant in variants:
        if keys := mixed(variant):
            notes.append(f"The runs of {variant.name} differ in more than their seed: {', '.join(keys[:5])}.")
        if len(set(variant.seeds)) < len(variant.seeds):
            notes.append(f"{variant.name} has several runs of one seed: {', '.join(map(str, variant.seeds))}.")
    if len(variants) > WIDE:
        warnings.warn(f"{len(variants)} variants crowd the plots: report fewer runs at a time", stacklevel=3)
    return usable, variants, notes


def _benchmarks(run: Run, names: list[str], notes: list[str]) -> dict[str, Any]:
    """The sets whose images are at hand."""
    found = {}
    for name in names:
        if name not in (run.config.get("benchmark") or {}):
            notes.append(f"No pictures of {name}: {run.folder}/config.yaml does not say where they are.")
            continue
        try:
            with warnings.catch_warnings(action="ignore"):
                benchmark = build.measured_again(run.config, run.folder, [name])[name]
                _ = benchmark.names
            found[name] = benchmark
        except (ValueError, OSError) as error:
            notes.append(f"No pictures of {name}: {error}")
    return found


def _bicubic(benchmarks: Mapping[str, Any], sets: Mapping[str, list[str]], names: list[str], runs: Sequence[Run]) -> Scores:
    """Bicubic's score of each image, which runs do not record; only where its means are those that the runs recorded."""
    scores: Scores = {}
    measured = build.metrics(names, runs[0].scale)
    for name, benchmark in benchmarks.items():
        of: dict[str, dict[str, float]] = {}
        for index in (benchmark.names.index(image) for image in sets[name] if image in benchmark.names):
            with suppress(ValueError, OSError):
                sample = benchmark[index]
                lr, hr = (sample[key][None].float() / 255 for key in ("lr", "hr"))
                sr = imresize(lr, size=tuple(hr.shape[-2:]), rounding=True)
                of[sample["name"]] = {key: metric(sr, hr).item() for key, metric in measured.items()}
        recorded = next((run.bicubic[name] for run in runs if len(run.scores[name]) == len(of)), {})
        means = {key: sum(row[key] for row in of.values()) / len(of) for key in measured} if of else {}
        if all(abs(means[key] - recorded[key]) < 2e-3 for key in means if key in recorded):
            scores[name] = of
    return scores


def _networks(variants: Sequence[Variant], notes: list[str]) -> dict[str, nn.Module]:
    """The network of each variant's first seed whose checkpoint is there."""
    found, missing = {}, []
    for variant in variants:
        file = next((run.checkpoint for run in variant.runs if run.checkpoint.is_file()), None)
        if file is None:
            missing.append(variant.name)
            continue
        try:
            found[variant.name] = checkpoint.load(file)
        except (ValueError, OSError) as error:
            notes.append(f"No network of {variant.name} to show or to time: {error}")
    if missing:
        notes.append(f"No checkpoint, hence no pictures and no time: {', '.join(missing)}.")
    return found


def _costs(
    variants: Sequence[Variant], networks: Mapping[str, nn.Module], latency: int | None, device: torch.device, scale: int
) -> dict[str, costs.Cost]:
    every = {BICUBIC: Interpolation(scale=scale).eval(), **networks}
    known = {name: costs.sizes(network) for name, network in every.items()}
    if latency is not None:
        for name, timing in costs.measure(every, latency, device=device).items():
            known[name].timing = timing
    for variant in variants:
        cost = known.setdefault(variant.name, costs.Cost())
        facts = [run.facts for run in variant.runs]
        trainings = [one.get("training") or {} for one in facts]
        cost.parameters = cost.parameters if cost.parameters is not None else facts[0].get("parameters")
        cost.multiply_adds = cost.multiply_adds if cost.multiply_adds is not None else facts[0].get("multiply_adds")
        cost.training_seconds = _mean(trainings, "seconds")
        cost.training_memory = _mean(trainings, "peak_memory_mb")
        steps = _mean(trainings, "steps") or max((step for step, _ in variant.runs[0].curve("train/loss")), default=None)
        cost.steps = None if steps is None else round(steps)
    return known


def _mean(rows: Sequence[Mapping[str, Any]], key: str) -> float | None:
    values = [row[key] for row in rows if isinstance(row.get(key), int | float) and math.isfinite(row[key])]
    return sum(values) / len(values) if values else None


def _plots(results: Results, variants: Sequence[Variant], known: Mapping[str, costs.Cost]) -> list[plots.Plot]:
    seconds = {name: (one.low, one.seconds, one.high) for name, cost in known.items() if (one := cost.timing)}
    work = {name: (cost.multiply_adds / 1e9,) * 3 for name, cost in known.items() if cost.multiply_adds}
    axis = (seconds, "seconds for a megapixel of output") if seconds else (work, "multiply-adds of a 1280×720 output, G")
    columns = [f"val/{results.metric}", "train/loss"]
    curves = {column: {variant.name: [run.curve(column) for run in variant.runs] for variant in variants} for column in columns}
    made = [plots.differences(results), plots.pareto(results, *axis), plots.curves(results, curves)]
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
    timed = f" Timed on {_hardware(device)}, {latency}×{latency} LR pixels, float32." if latency else ""
    code = f" Code of the runs: {', '.join(commits)}." if commits else ""
    count = f"{len(runs)} run{'s' if len(runs) > 1 else ''}"
    return f"{count}, ×{runs[0].scale}.{timed}{code} Made by report.py, {time.strftime('%Y-%m-%d')}."


def _hardware(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    from sr.run import device as processor

    threads = torch.get_num_threads()
    return f"{processor()}, {threads} thread{'s' if threads > 1 else ''}"


def _markdown(content: page.Content) -> str:
    parts = [f"**{content.answer}**", content.scores.markdown(), content.scores.note]
    for table in (content.others, content.costs):
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
    """Everything that the page shows, for programs."""
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
        "differences": {
            name: {benchmark: asdict(one) for (other, benchmark), one in results.differences.items() if other == name}
            for name in results.names
        },
        "costs": {name: asdict(cost) for name, cost in known.items()},
        "config": {key: dict(zip(names, values, strict=True)) for key, values in found.items()},
        "strips": [{"set": strip.benchmark, "image": strip.image, "place": strip.place} for strip in content.strips],
        "votes": [asdict(tally) for tally in content.tallies],
        "runs": [{"folder": str(run.folder), "seed": run.seed, "status": run.status} for run in every],
        "notes": list(content.notes),
    }


def _write(output: Path, content: page.Content, text: str, numbers: Mapping[str, Any]) -> int:
    """Every file of the report; returns how many bytes its page has."""
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
    return (output / "report.html").stat().st_size
