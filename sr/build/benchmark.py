"""What is measured, and on which images: benchmarks and metrics, of this command line or of a finished run."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from sr.build.image import image_node
from sr.build.node import build, group
from sr.cli import CONF, check
from sr.errors import InputError
from sr.image.kind import PHOTO, Kind, of


def benchmark(cfg: DictConfig) -> dict[str, Any]:
    """Name -> benchmark, of the config group."""
    if not cfg.get("benchmark"):
        raise InputError("nothing to measure on: pass benchmark=[set5] or another choice of the config group benchmark")
    return build(cfg.benchmark)


def metric(cfg: DictConfig) -> dict[str, Any]:
    """Name -> metric, of the config group."""
    if not group(cfg, "metric"):
        raise InputError("nothing to measure with: pass metric=[psnr] or another choice of the config group metric")
    return build(cfg.metric)


def limits(cfg: DictConfig) -> dict[str, Any]:
    """How many images of each set are measured. Lightning's limits count in each process; the data module's count in all."""
    check.limits(cfg.trainer)
    quick = cfg.trainer.get("fast_dev_run")  # of Lightning: so many batches of everything
    return {f"limit_{stage}": int(quick) if quick else cfg.trainer[f"limit_{stage}_batches"] for stage in ("val", "test")}


def benchmarks_of_run(cfg: DictConfig, stored: Mapping[str, Any]) -> None:
    """The config group's own benchmarks of the stored names; from the file come only plain values such as a folder."""
    for name, node in stored.items():
        file = CONF / "benchmark" / f"{name}.yaml"
        if file.is_file():
            own = OmegaConf.load(file)[name]
        elif node.get("_target_") == "sr.benchmark.pairs.Benchmark":  # one that the run's command line added
            own = OmegaConf.load(CONF / "benchmark" / "folder.yaml")["folder"]
        else:
            raise InputError(f"{cfg.ckpt}: its benchmark {name} is not in this version; pass benchmark=[...]")
        plain = {key: value for key, value in node.items() if not isinstance(value, dict | list) and not key.startswith("_")}
        OmegaConf.update(cfg, f"benchmark.{name}", OmegaConf.merge(own, plain), force_add=True)


def measured_again(config: dict[str, Any], folder: str | Path, names: list[str]) -> dict[str, Any]:
    """The benchmarks of a finished run, by this version's configs and the run's folders of images."""
    known = {"ckpt": str(folder), "scale": config.get("scale"), "data_dir": config.get("data_dir"), "benchmark": {}}
    cfg = OmegaConf.create(known | {"image": image_node(of(config.get("image"), folder))})
    benchmarks_of_run(cfg, {name: config["benchmark"][name] for name in names})
    return benchmark(cfg)


def metrics(names: list[str], scale: int, kind: Kind = PHOTO) -> dict[str, Any]:
    """Metrics of conf/metric by name, as they are there; those that are not there, or need weights, are left out."""
    files = [CONF / "metric" / f"{name}.yaml" for name in names]
    nodes = OmegaConf.merge({}, *(OmegaConf.load(file) for file in files if file.is_file()))
    cfg = OmegaConf.create({"scale": scale, "image": asdict(kind), "metric": nodes})
    return {name: build(node) for name, node in cfg.metric.items() if not {"weights", "net"} & set(node)}


def higher_is_better(config: dict[str, Any]) -> dict[str, bool]:
    """Of each metric of a run's config whose class this version has."""
    found = {}
    for name, node in (config.get("metric") or {}).items():
        target = node.get("_target_", "") if isinstance(node, dict) else ""
        if target.startswith("sr.metric."):
            found[name] = getattr(get_class(target), "higher_is_better", True)
    return found
