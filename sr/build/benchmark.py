"""Benchmarks and metrics, from this command line or from a finished run."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from sr.build.degradation import sets
from sr.build.image import image_node
from sr.build.node import build, group
from sr.cli import CONF, check
from sr.errors import InputError
from sr.image.kind import PHOTO, Kind, of
from sr.weights import trust


def benchmark(cfg: DictConfig) -> dict[str, Any]:
    """Name -> benchmark, from the config group."""
    if not cfg.get("benchmark"):
        raise InputError("no benchmark: pass benchmark=[set5] or another choice of the config group benchmark")
    return sets(cfg, "benchmark", cfg.benchmark)


def metric(cfg: DictConfig) -> dict[str, Any]:
    """Name -> metric, from the config group."""
    if not group(cfg, "metric"):
        raise InputError("no metric: pass metric=[psnr] or another choice of the config group metric")
    settle_border(cfg)
    return build(cfg.metric)


def settle_border(cfg: DictConfig) -> None:
    """At scale 1 (restoration) cut no border, as papers on restoration do, where a metric's is `${scale}`."""
    for node in group(cfg, "metric").values():
        if cfg.scale == 1 and OmegaConf.is_interpolation(node, "crop_border"):
            node.crop_border = 0


def limits(cfg: DictConfig) -> dict[str, Any]:
    """The number of images measured per set. Lightning's limits count per process; the data module's count over all."""
    check.limits(cfg.trainer)
    quick = cfg.trainer.get("fast_dev_run")  # Lightning's: this many batches of everything
    return {f"limit_{stage}": int(quick) if quick else cfg.trainer[f"limit_{stage}_batches"] for stage in ("val", "test")}


def benchmarks_of_run(cfg: DictConfig, stored: Mapping[str, Any]) -> None:
    """Our own benchmarks with the stored names; only plain values such as a folder are taken from the file."""
    for name, node in stored.items():
        file = CONF / "benchmark" / f"{name}.yaml"
        if file.is_file():
            own = OmegaConf.load(file)[name]
        elif node.get("_target_") == "sr.benchmark.pairs.Benchmark":  # added on the run's command line
            own = OmegaConf.load(CONF / "benchmark" / "folder.yaml")["folder"]
        else:
            raise InputError(f"{cfg.ckpt}: this version has no benchmark {name}; pass benchmark=[...]")
        plain = {key: value for key, value in node.items() if not isinstance(value, dict | list) and not key.startswith("_")}
        OmegaConf.update(cfg, f"benchmark.{name}", OmegaConf.merge(own, plain), force_add=True)


def measured_again(config: dict[str, Any], folder: str | Path, names: list[str]) -> dict[str, Any]:
    """The benchmarks of a finished run, with this version's configs and the run's image folders."""
    trust.check(config.get("degradation"), str(folder))
    keys = ("scale", "data_dir", "degradation")
    known = {"ckpt": str(folder), **{key: config.get(key) for key in keys}, "benchmark": {}}
    cfg = OmegaConf.create(known | {"image": image_node(of(config.get("image"), folder))})
    benchmarks_of_run(cfg, {name: config["benchmark"][name] for name in names})
    return benchmark(cfg)


def metrics(names: list[str], scale: int, kind: Kind = PHOTO) -> dict[str, Any]:
    """Metrics of conf/metric by name, unchanged; unknown ones, and those that need weights, are left out."""
    files = [CONF / "metric" / f"{name}.yaml" for name in names]
    nodes = OmegaConf.merge({}, *(OmegaConf.load(file) for file in files if file.is_file()))
    cfg = OmegaConf.create({"scale": scale, "image": asdict(kind), "metric": nodes})
    settle_border(cfg)
    return {name: build(node) for name, node in cfg.metric.items() if not {"weights", "net"} & set(node)}


def higher_is_better(config: dict[str, Any]) -> dict[str, bool]:
    """The metrics in a run's config whose class this version has."""
    found = {}
    for name, node in (config.get("metric") or {}).items():
        target = node.get("_target_", "") if isinstance(node, dict) else ""
        if target.startswith("sr.metric."):
            found[name] = getattr(get_class(target), "higher_is_better", True)
    return found
