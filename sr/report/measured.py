"""What run folders do not contain and a report measures: bicubic's scores, networks and their costs."""

import json
import math
import warnings
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import nn

from sr import build
from sr.build.image import check_channels
from sr.data.validated import validated
from sr.errors import UserError
from sr.functional.resize import imresize
from sr.image.kind import PHOTO, of
from sr.metric.frames import each_score, means, numbers, of_clips, one_score
from sr.network.adjusted import adjusted
from sr.network.inputs import takes_size
from sr.network.interpolation import Interpolation
from sr.report import costs
from sr.report.consistent import close
from sr.report.runs import Run, Scores
from sr.report.variants import Variant, flat
from sr.view.table import plain_name
from sr.weights.load import load


def benchmarks(run: Run, names: list[str], notes: list[str]) -> dict[str, Any]:
    """The sets whose images are available."""
    found = {}
    for name in names:
        if name not in (run.config.get("benchmark") or {}):
            notes.append(f"No pictures of {name}: {run.folder}/config.yaml does not say where its images are.")
            continue
        try:
            with warnings.catch_warnings(action="ignore"):
                benchmark = build.measured_again(run.config, run.folder, [name])[name]
                _ = benchmark.names
            found[name] = benchmark
        except (ValueError, OSError) as error:
            notes.append(f"No pictures of {name}: {error}")
    return found


def is_private(benchmark: Any, runs: Sequence[Run]) -> bool:
    """Whether a report shows no pictures of a set: its images are of patients, and no run asked for pictures."""
    wandb = [(run.config.get("logger") or {}).get("wandb") or {} for run in runs]
    return getattr(benchmark, "kind", PHOTO).private and not any(node.get("pictures") for node in wandb)


def bicubic(benchmarks: Mapping[str, Any], names: list[str], runs: Sequence[Run]) -> Scores:
    """Bicubic's score per image, which runs do not record; for metrics whose mean equals the recorded one."""
    scores: Scores = {}
    for name, benchmark in benchmarks.items():
        kind = getattr(benchmark, "kind", PHOTO)
        measured = build.metrics(names, runs[0].scale, kind, runs[0].config.get("data_dir"))
        measured = {key: metric for key, metric in measured.items() if not of_clips(metric)}  # which take minutes
        if (border := getattr(benchmark, "border", None)) is not None:
            for metric in measured.values():
                metric.crop_border = border
        run = min((run for run in runs if run.bicubic.get(name)), key=lambda run: len(run.scores[name]), default=None)
        if run is None:
            continue
        of: dict[str, dict[str, float]] = {}
        for index in (benchmark.names.index(image) for image in run.scores[name] if image in benchmark.names):
            with suppress(ValueError, OSError):
                sample = benchmark[index]
                lr, hr = (kind.scaled(sample[key][None]) if key in sample else None for key in ("lr", "hr"))
                size = [round(side * runs[0].scale) for side in lr.shape[-2:]] if hr is None else hr.shape[-2:]
                sr = imresize(lr, size=tuple(size), rounding=kind.levels)
                given = {"lr": lr, "mask": sample["mask"][None] if "mask" in sample else None}
                given["batch"] = {key: [value] for key, value in sample.items()} | {"lr": lr}
                score = each_score if "frames" in sample else one_score
                of[sample["name"]] = means(numbers({key: score(metric, sr, hr, **given) for key, metric in measured.items()}))
        over_set = {key: sum(row[key] for row in of.values()) / len(of) for key in measured} if of else {}
        same = [key for key, mean in over_set.items() if close(mean, run.bicubic[name].get(key, math.nan))]
        if len(of) == len(run.scores[name]):
            scores[name] = {image: {key: row[key] for key in same} for image, row in of.items()}
    return scores


def networks_of(variants: Sequence[Variant], notes: list[str], trusted: Collection[str] = ()) -> dict[str, nn.Module]:
    """The network of each variant's first seed with a checkpoint; `trusted` as in sr.load."""
    found, missing = {}, []
    for variant in variants:
        file = next((run.checkpoint for run in variant.runs if run.checkpoint.is_file()), None)
        if file is None:
            missing.append(variant.name)
            continue
        try:
            scale = variant.runs[0].scale  # which the weights of some released files do not tell
            network = load(file, scale=int(scale) if scale and scale == int(scale) else None, trusted=trusted)
            found[variant.name] = _as_tested(variant.runs[0], network)
        except (UserError, OSError) as error:
            notes.append(f"The network of {variant.name} cannot be shown or timed: {error}")
    if missing:
        notes.append(f"No pictures and no timing without a checkpoint: {', '.join(missing)}.")
    return found


def _as_tested(run: Run, network: nn.Module) -> nn.Module:
    """One of any scale upscales by the run's, one that samples with the test's steps and seed; applied to each band, if a test
    did so (bandwise=true)."""
    if takes_size(network) and run.scale:
        network.scale = run.scale
    network = adjusted(network, run.config.get("network_options") or {}, run.folder)
    if not run.config.get("bandwise"):
        return network
    return check_channels(network, of(run.config.get("image"), str(run.folder)), bandwise=True)


def costs_of(
    variants: Sequence[Variant],
    networks: Mapping[str, nn.Module],
    latency: int | None,
    device: torch.device,
    scale: float,
    notes: list[str],
) -> dict[str, costs.Cost]:
    """Sizes and timings, measured here, and the recorded cost of training."""
    every = networks if scale == 1 else {plain_name(scale): Interpolation(scale=scale).eval(), **networks}
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
    devices = {str(run.facts["device"]): None for variant in variants for run in variant.runs if run.facts.get("device")}
    if len(devices) > 1:
        notes.append(f"Training time and memory are from different devices and cannot be compared: {'; '.join(devices)}.")
    return known


def directions(runs: Sequence[Run], metrics: Sequence[str], notes: list[str]) -> dict[str, bool]:
    """Metric -> whether higher is better: from run.json, otherwise from the metric's class."""
    known: dict[str, bool] = {}
    for run in runs:
        said = {key: one.get("higher_is_better") for key, one in (run.facts.get("metrics") or {}).items()}
        said |= run.facts.get("higher_is_better") or {}
        known |= build.higher_is_better(run.config) | {key: value for key, value in said.items() if isinstance(value, bool)}
    unknown = [name for name in metrics if name not in known and not name.startswith(("psnr", "ssim"))]
    if unknown:
        notes.append(f"No run records whether higher is better for {', '.join(unknown)}; assuming it is.")
    return {name: known.get(name, True) for name in metrics}


def curves_of(variants: Sequence[Variant], metric: str, notes: list[str]) -> list[str]:
    """Columns of metrics.csv with the same meaning in all runs: the validation metric, and the loss.

    val/psnr is the mean over a run's sets. If runs validate on different sets, a set that all have is shown.
    """
    configs = [run.config for variant in variants for run in variant.runs if not run.is_test]
    if not configs:
        return []
    sets = [validated(config) for config in configs]
    common = [name for name, images in sets[0].items() if all(others.get(name) == images for others in sets)]
    limits = {str((config.get("trainer") or {}).get("limit_val_batches")) for config in configs}
    columns = []
    if len(limits) > 1:
        notes.append("No validation curves: the number of images (trainer.limit_val_batches) differs between runs.")
    elif all(others == sets[0] for others in sets):
        columns.append(f"val/{metric}")
    elif common:
        columns.append(f"val/{common[0]}/{metric}")
        notes.append(f"Validation curves show only {common[0]}: the runs validate on different sets.")
    if len({json.dumps(flat({"loss": config.get("loss") or {}}), sort_keys=True, default=str) for config in configs}) == 1:
        columns.append("train/loss")
    else:
        notes.append("No loss curves: the variants have different losses, which cannot be compared.")
    return columns


def _mean(rows: Sequence[Mapping[str, Any]], key: str) -> float | None:
    values = [row[key] for row in rows if isinstance(row.get(key), int | float) and math.isfinite(row[key])]
    return sum(values) / len(values) if values else None


def hardware(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    from sr.run.record import device as processor

    threads = torch.get_num_threads()
    return f"{processor()}, {threads} thread{'s' if threads > 1 else ''}"
