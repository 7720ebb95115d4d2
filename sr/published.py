"""The tables of papers and releases again: conf/published says what they promise, here it is measured and compared."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sr import build
from sr.cli import CONF
from sr.errors import InputError, MissingError
from sr.view.table import markdown, number

TOLERANCE = {"psnr": 0.02, "ssim": 0.0005}  # a difference above it is marked


def reproduce(cfg: DictConfig, score: Callable[[DictConfig], dict[str, Any]]) -> tuple[dict[str, Any], str]:
    """Measure each entry of `cfg.published`, or with published=all every one that there is.

    Of an entry's benchmarks those that `cfg.benchmark` names, or all where it is empty. `score` runs the config of one entry
    and returns what metrics.json holds. Returns {entry: {benchmark: scores}} and the text to print: a table of measured,
    published, difference, and a line for each thing that was skipped. An entry whose figures were measured in another way
    than the table's says so as `protocol`; its rows are starred, not marked, as are all of a partly measured set.

    Raises:
        ValueError: weights or a network beside `published`, which has its own.
        FileNotFoundError: nothing of what was asked for is there.
    """
    for key in ("ckpt", "alpha", "network", "scale"):
        if not OmegaConf.is_missing(cfg, key) and cfg.get(key) is not None:
            raise InputError(f"{key}=... does not go with published=..., which names its own weights: leave one out")
    results: dict[str, Any] = {}
    rows, skipped, others = [_header()], [], []
    for name, entry in _entries(cfg).items():
        files = [entry.weights] if isinstance(entry.weights, str) else entry.weights or []
        entry.weights = next((file for file in files if Path(file).is_file()), None)
        if files and entry.weights is None:
            skipped.append(f"{name}: no {' or '.join(files)}; get it from {entry.url}")
            continue
        names = [benchmark for benchmark in entry.expected if benchmark in (cfg.get("benchmark") or entry.expected)]
        if not names:
            skipped.append(f"{name}: publishes {', '.join(entry.expected)} alone")
            continue
        job = _job(cfg, entry, names)
        missing = _missing(job)
        skipped += [f"{name} on {benchmark}: {reason}" for benchmark, reason in missing.items()]
        job.benchmark = {benchmark: node for benchmark, node in job.benchmark.items() if benchmark not in missing}
        if job.benchmark:
            results[name] = score(job)
            rows += [_row(name, key, scores, entry.expected[key]) for key, scores in results[name].items()]
            protocol = [entry.protocol] if entry.get("protocol") else []
            if (limit := cfg.trainer.limit_test_batches) is not None and not (isinstance(limit, float) and limit == 1):
                protocol.append(f"trainer.limit_test_batches={limit} measures a part of each set")
            if protocol:
                rows[-len(results[name]) :] = [[*row[:-1], "*"] for row in rows[-len(results[name]) :]]
                others.append(f"{name}: {'; '.join(protocol)}")
    if not results:
        raise MissingError("nothing to measure: " + "; ".join(skipped))
    marked = sum(row[-1] == "!" for row in rows[1:])
    limits = " or ".join((f"{TOLERANCE['psnr']} dB", f"{TOLERANCE['ssim']} SSIM"))
    lines = [markdown(rows), f"{len(rows) - 1} rows, {marked} marked (more than {limits} away)"]
    for title, remarks in (("* not measured as those who published it did", others), ("skipped", skipped)):
        lines += [f"{title}:", *(f"  {remark}" for remark in remarks)] if remarks else []
    return results, "\n".join(lines)


def _entries(cfg: DictConfig) -> dict[str, DictConfig]:
    """The chosen entries, with the interpolations of the whole config."""
    if "all" in cfg.published:
        files = sorted((CONF / "published").glob("*.yaml"))
        entries = [OmegaConf.load(file) for file in files if file.stem != "all"]
        cfg = copy.deepcopy(cfg)
        OmegaConf.update(cfg, "published", OmegaConf.merge(*entries), merge=False, force_add=True)
    return {name: node for name, node in cfg.published.items() if name != "all"}


def _job(cfg: DictConfig, entry: DictConfig, benchmarks: list[str]) -> DictConfig:
    """The config that test.py would have for one entry: its file or network, these sets, the metrics it states."""
    job = copy.deepcopy(cfg)
    metrics = sorted({metric for expected in entry.expected.values() for metric in expected})
    parts = {
        "network": OmegaConf.load(CONF / "network" / f"{entry.network}.yaml") if entry.network else None,
        "ckpt": entry.weights,
        "scale": entry.scale,
        "benchmark": _chosen("benchmark", benchmarks),
        "metric": _chosen("metric", metrics),
        "callback": {name: node for name, node in cfg.callback.items() if name != "panels"},  # no pictures
    }
    for key, value in parts.items():
        OmegaConf.update(job, key, value, merge=False, force_add=True)
    build.settle_image(job)
    return job


def _chosen(group: str, names: list[str]) -> DictConfig:
    return OmegaConf.merge(*(OmegaConf.load(CONF / group / f"{name}.yaml") for name in names))


def _missing(job: DictConfig) -> dict[str, str]:
    """Benchmarks that are not there, or not whole, and why."""
    missing = {}
    for name, benchmark in build.build(job.benchmark).items():
        try:
            count = len(benchmark)
        except (MissingError, InputError) as error:
            missing[name] = str(error)
            continue
        if benchmark.n_images not in (None, count):
            missing[name] = f"{count} of {benchmark.n_images} images in {benchmark.hr}; get it from {benchmark.url}"
    return missing


def _header() -> list[str]:
    return ["", "benchmark", *(f"{m} {what}" for m in TOLERANCE for what in ("measured", "published", "difference")), ""]


def _row(name: str, benchmark: str, scores: dict[str, Any], expected: DictConfig) -> list[str]:
    row, mark = [name, benchmark], ""
    for metric, tolerance in TOLERANCE.items():
        if metric not in expected:
            row += ["", "", ""]
            continue
        difference = scores[metric] - expected[metric]
        row += [number(metric, scores[metric], more=1), number(metric, expected[metric])]
        row += [number(metric, difference, sign=True, more=1)]
        mark = "!" if abs(difference) > tolerance else mark
    return [*row, mark]
