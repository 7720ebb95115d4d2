"""Remeasures the tables of papers and releases: conf/published has the published scores."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sr import build
from sr.cli import CONF
from sr.errors import InputError, MissingError
from sr.view.table import markdown, number

TOLERANCE = {"psnr": 0.02, "ssim": 0.0005}  # larger differences are marked


def reproduce(cfg: DictConfig, score: Callable[[DictConfig], dict[str, Any]]) -> tuple[dict[str, Any], str]:
    """Measure each entry of `cfg.published`, or all entries with published=all.

    Measures the benchmarks of an entry that `cfg.benchmark` names, or all if it is empty. `score` runs the config of one
    entry and returns the content of metrics.json. Returns {entry: {benchmark: scores}} and the text to print: a table of
    measured, published and difference, and a line for each skipped item. An entry whose scores were measured by another
    protocol has a key `protocol`; its rows get a star instead of a mark, as do all rows of a partly measured set.

    Raises:
        InputError: weights or a network together with `published`, which has its own.
        MissingError: nothing that was asked for is available.
    """
    for key in ("ckpt", "alpha", "network", "scale"):
        if not OmegaConf.is_missing(cfg, key) and cfg.get(key) is not None:
            raise InputError(f"{key}=... cannot be combined with published=..., which has its own weights: remove one of them")
    results: dict[str, Any] = {}
    rows, skipped, others = [_header()], [], []
    for name, entry in _entries(cfg).items():
        if entry.get("hours") and "all" in cfg.published:
            skipped.append(f"{name}: takes {entry.hours}; pass published={name}")
            continue
        files = [entry.weights] if isinstance(entry.weights, str) else entry.weights or []
        entry.weights = next((file for file in files if Path(file).is_file()), None)
        if files and entry.weights is None:
            skipped.append(f"{name.split()[0]}: missing {' or '.join(files)}; download it from {entry.url}")
            continue
        names = [benchmark for benchmark in entry.expected if benchmark in (cfg.get("benchmark") or entry.expected)]
        if not names:
            skipped.append(f"{name}: has published scores only for {', '.join(entry.expected)}")
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
                protocol.append(f"trainer.limit_test_batches={limit} measures only a part of each set")
            if protocol:
                rows[-len(results[name]) :] = [[*row[:-1], "*"] for row in rows[-len(results[name]) :]]
                others.append(f"{name}: {'; '.join(protocol)}")
    skipped = list(dict.fromkeys(skipped))  # weights for several scales are missing once
    if not results:
        raise MissingError("nothing to measure: " + "; ".join(skipped))
    marked = sum(row[-1] == "!" for row in rows[1:])
    limits = " or ".join((f"{TOLERANCE['psnr']} dB", f"{TOLERANCE['ssim']} SSIM"))
    lines = [markdown(rows), f"{len(rows) - 1} rows, {marked} marked (differ by more than {limits})"]
    for title, remarks in (("* not measured with the protocol of the publication", others), ("skipped", skipped)):
        lines += [f"{title}:", *(f"  {remark}" for remark in remarks)] if remarks else []
    return results, "\n".join(lines)


def _entries(cfg: DictConfig) -> dict[str, DictConfig]:
    """The chosen entries, one for each scale, with interpolations resolved in the whole config."""
    if "all" in cfg.published:
        files = sorted((CONF / "published").glob("*.yaml"))
        entries = [OmegaConf.load(file) for file in files if file.stem != "all"]
        cfg = copy.deepcopy(cfg)
        OmegaConf.update(cfg, "published", OmegaConf.merge(*entries), merge=False, force_add=True)
    return dict(one for name, node in cfg.published.items() if name != "all" for one in _each_scale(name, node))


def _each_scale(name: str, entry: DictConfig) -> Iterator[tuple[str, DictConfig]]:
    """An entry of one network for several scales has lists of scores, in the order of `scale`; null: none was published."""
    if not OmegaConf.is_list(entry.scale):
        yield name, entry
        return
    for place, scale in enumerate(entry.scale):
        one = copy.deepcopy(entry)
        found = {key: {metric: values[place] for metric, values in scores.items()} for key, scores in entry.expected.items()}
        one.scale, one.expected = scale, {key: scores for key, scores in found.items() if None not in scores.values()}
        yield f"{name} x{scale}", one


def _job(cfg: DictConfig, entry: DictConfig, benchmarks: list[str]) -> DictConfig:
    """The config of test.py for one entry: its file or network, these sets, its metrics."""
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
    """Benchmarks that are missing or incomplete, and why."""
    missing = {}
    for name, benchmark in build.sets(job, "benchmark", job.benchmark).items():
        try:
            count = len(benchmark)
        except (MissingError, InputError) as error:
            missing[name] = str(error)
            continue
        if lacks := getattr(benchmark, "lacking", None):
            missing[name] = lacks
        elif benchmark.n_images not in (None, count):
            missing[name] = f"{count} of {benchmark.n_images} images in {benchmark.hr}; download it from {benchmark.url}"
    return missing


def _header() -> list[str]:
    return ["", "benchmark", *(f"{m} {what}" for m in TOLERANCE for what in ("measured", "published", "difference")), ""]


def _row(name: str, benchmark: str, scores: dict[str, Any], expected: DictConfig) -> list[str]:
    row, mark = [name, benchmark], ""
    for column, tolerance in TOLERANCE.items():
        names = (column, f"{column}_rgb", f"{column}_div2k")  # REDS4 and DIV2K are published on RGB
        metric = next((name for name in names if name in expected), None)
        if metric is None:
            row += ["", "", ""]
            continue
        difference = scores[metric] - expected[metric]
        row += [number(metric, scores[metric], more=1), number(metric, expected[metric])]
        row += [number(metric, difference, sign=True, more=1)]
        mark = "!" if abs(difference) > tolerance else mark
    return [*row, mark]
