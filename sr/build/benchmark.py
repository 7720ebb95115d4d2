"""Benchmarks and metrics, from this command line or from a finished run."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from sr.build.degradation import sets
from sr.build.image import image_node
from sr.build.node import build, chosen, group, say
from sr.cli import CONF, check, overrides
from sr.cli.words import key_of
from sr.errors import InputError
from sr.image.kind import PHOTO, Kind, of
from sr.metric.record import repeated
from sr.weights import trust

_OF_RUN = ("hr", "degradation", "frames", "seed", "stored", "expected")  # options on which a set's LR depends


def benchmark(cfg: DictConfig) -> dict[str, Any]:
    """Name -> benchmark, from the config group."""
    if not (nodes := chosen(cfg, "benchmark")):
        raise InputError("no benchmark: pass benchmark=[set5] or another choice of the config group benchmark")
    return sets(cfg, "benchmark", nodes)


def metric(cfg: DictConfig) -> dict[str, Any]:
    """Name -> metric, from the config group; without those that would repeat another's scores, unless a callback needs them."""
    if not group(cfg, "metric"):
        raise InputError("no metric: pass metric=[psnr] or another choice of the config group metric")
    settle_border(cfg)
    built = build(cfg.metric)
    volumes = bool(cfg.get("axes"))
    if unlike := [name for name, one in built.items() if getattr(one, "volumes", False) != volumes]:
        of_pictures = "pictures, but axes is for volumes: pass metric=[psnr_volume,ssim_volume]"
        raise InputError(f"metric={unlike[0]} is for {of_pictures if volumes else 'volumes, not for pictures'}")
    needed = {str(node.get("monitor")).rpartition("/")[2] for node in chosen(cfg, "callback").values()}
    for name, first in repeated(built).items():
        if name not in needed:
            say(f"{name} is left out: on images without luma (image={cfg.image.name}) it is {first}")
            del built[name]
    return built


def settle_border(cfg: DictConfig) -> None:
    """Cut as much border as papers of the task do, where a metric's is `${scale}`: none at scale 1 (restoration), and on clips
    what their sets say, which is none.

    Raises:
        InputError: sets of clips and of pictures, or with other borders, in one run.
    """
    border = 0 if cfg.scale == 1 or "frames" in (cfg.get("data") or {}) else None
    sets = chosen(cfg, "benchmark")
    if of_clips := {name: node.border for name, node in sets.items() if "border" in node}:
        border = next(iter(of_clips.values()))
        if other := next((name for name in sets if of_clips.get(name, -1) != border), None):
            raise InputError(
                f"benchmark=[{','.join(sets)}]: {next(iter(of_clips))} has clips, of which a border of {border} pixels is cut, "
                f"unlike of {other}: measure them one after the other"
            )
    for node in group(cfg, "metric").values() if border is not None else ():
        if OmegaConf.is_interpolation(node, "crop_border"):
            node.crop_border = border


def settle_volumes(cfg: DictConfig) -> None:
    """Measure volumes by the metrics of volumes, where the config has those of pictures, as test.py's defaults do; says so."""
    if any("volume" in str(node.get("_target_")) for node in group(cfg, "metric").values()):
        return
    names = ("psnr_volume", "ssim_volume")
    say(f"volumes are measured by {', '.join(names)}, not by {', '.join(group(cfg, 'metric'))}, which are for pictures")
    cfg.metric = OmegaConf.merge({}, *(OmegaConf.load(CONF / "metric" / f"{name}.yaml") for name in names))


def limits(cfg: DictConfig) -> dict[str, Any]:
    """The number of images measured per set. Lightning's limits count per process; the data module's count over all."""
    check.limits(cfg.trainer)
    quick = cfg.trainer.get("fast_dev_run")  # Lightning's: this many batches of everything
    return {f"limit_{stage}": int(quick) if quick else cfg.trainer[f"limit_{stage}_batches"] for stage in ("val", "test")}


def benchmarks_of_run(cfg: DictConfig, config: Mapping[str, Any]) -> None:
    """Our own benchmarks with the names in a run's config; only plain values such as a folder are taken from it.

    Values that refer to the run's training data (`${data.train.path}`: other slices of the same series) are looked up there.
    """
    data = {"data": config.get("data"), "data_dir": cfg.get("data_dir")}
    for name, node in config["benchmark"].items():
        if "_target_" not in node:  # options of a set that was not chosen
            continue
        file = CONF / "benchmark" / f"{name}.yaml"
        if file.is_file():
            own = OmegaConf.load(file)[name]
        elif node.get("_target_") == "sr.benchmark.pairs.Benchmark":  # added on the run's command line
            own = OmegaConf.load(CONF / "benchmark" / "folder.yaml")["folder"]
        else:
            raise InputError(f"{cfg.ckpt}: this version has no benchmark {name}; pass benchmark=[...]")
        plain = {key: value for key, value in node.items() if not isinstance(value, dict | list) and not key.startswith("_")}
        known = OmegaConf.create(data | {key: value for key, value in plain.items() if "${data." in str(value)})
        plain |= {key: known[key] for key in known.keys() - data.keys()}
        OmegaConf.update(cfg, f"benchmark.{name}", OmegaConf.merge(own, plain), force_add=True)


def degraded_of_run(cfg: DictConfig, file: str | Path, run: Mapping[str, Any], kept: Collection[str] = ()) -> None:
    """Use the run's HR, degradation and seed in benchmarks that make LR, where the command line names the benchmark alone.

    Says what is taken over. LR has to be that of the run, unless the command line changes it.

    Args:
        file: the checkpoint.
        run: its record of the run.
        kept: keys of such benchmarks that the command line sets by other words.
    """
    passed = {key_of(word) for word in overrides()}
    for name, node in cfg.benchmark.items():
        theirs, own = (run["config"].get("benchmark") or {}).get(name) or {}, CONF / "benchmark" / f"{name}.yaml"
        if "degradation" not in node or "degradation" not in theirs or not own.is_file():
            continue
        now, default = (OmegaConf.to_container(one, resolve=False) for one in (node, OmegaConf.load(own)[name]))
        ours = [key for key in _OF_RUN if now.get(key) != default.get(key) or f"benchmark.{name}.{key}" in passed]
        ours += [key for key in kept if key not in ours]
        taken = [key for key in _OF_RUN if key in theirs and key not in ours and _is_plain(theirs[key])]
        for key in taken:
            OmegaConf.update(cfg, f"benchmark.{name}.{key}", theirs[key], force_add=True)
        if not ours and name in run.get("degraded", {}):
            OmegaConf.update(cfg, f"benchmark.{name}.expected", run["degraded"][name], force_add=True)
        values = {key: OmegaConf.select(cfg, f"benchmark.{name}.{key}") for key in taken if key != "expected"}
        words = [f"{key}={_word(value)}" for key, value in values.items() if value is not None]
        if words:
            other = f"; {', '.join(ours)} of this command" if ours else ""
            say(f"benchmark {name}: {' '.join(words)} of the run of {file}{other}")


def _is_plain(value: Any) -> bool:
    """A word, a number or names in a list; nothing that would be built is taken from a file."""
    return not isinstance(value, dict) and not (isinstance(value, list) and any(isinstance(one, dict | list) for one in value))


def _word(value: Any) -> str:
    """A folder or a number as it is; of stages their names."""
    return f"[{','.join(value)}]" if OmegaConf.is_config(value) else str(value)


def measured_again(config: dict[str, Any], folder: str | Path, names: list[str]) -> dict[str, Any]:
    """The benchmarks of a finished run, with this version's configs and the run's image folders."""
    trust.check(config.get("degradation"), str(folder))
    keys = ("scale", "axes", "data_dir", "degradation")
    known = {"ckpt": str(folder), **{key: config.get(key) for key in keys}, "benchmark": {}}
    cfg = OmegaConf.create(known | {"image": image_node(of(config.get("image"), folder))})
    benchmarks_of_run(cfg, {**config, "benchmark": {name: config["benchmark"][name] for name in names}})
    return benchmark(cfg)


def metrics(names: list[str], scale: int, kind: Kind = PHOTO, data_dir: str | None = None) -> dict[str, Any]:
    """Metrics of conf/metric by name, unchanged; unknown ones, and those that need weights or lack a program, are left out."""
    files = [CONF / "metric" / f"{name}.yaml" for name in names]
    nodes = OmegaConf.merge({}, *(OmegaConf.load(file) for file in files if file.is_file()))
    cfg = OmegaConf.create({"scale": scale, "data_dir": data_dir, "image": image_node(kind), "metric": nodes})
    settle_border(cfg)
    built = {}
    for name, node in cfg.metric.items():
        with suppress(InputError):
            built |= {} if {"weights", "net"} & set(node) else {name: build(node)}
    return built


def higher_is_better(config: dict[str, Any]) -> dict[str, bool]:
    """The metrics in a run's config whose class this version has."""
    found = {}
    for name, node in (config.get("metric") or {}).items():
        target = node.get("_target_", "") if isinstance(node, dict) else ""
        if target.startswith("sr.metric."):
            found[name] = getattr(get_class(target), "higher_is_better", True)
    return found
