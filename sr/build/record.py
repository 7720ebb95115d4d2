"""The record of a run in run.json, in its loggers and in its checkpoints."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from sr.cli import called, choice
from sr.errors import MissingError
from sr.run import read
from sr.weights import checkpoint, reloadable


def record(cfg: DictConfig) -> dict[str, Any]:
    """run.json of this run; empty if there is none."""
    try:
        return read.read(cfg.output_dir)
    except MissingError:
        return {}


def origin(cfg: DictConfig) -> dict[str, Any]:
    """The command and the code of a run, if run.json has them."""
    known = record(cfg)
    return {"command": " ".join(known["command"]), **{key: known[key] for key in ("commit", "dirty")}} if known else {}


def table_name(cfg: DictConfig, default: str = "network") -> str:
    """What tables call the network of a training; a run that goes on (resume=, parts of reproduce=) keeps its first name."""
    first = checkpoint.about(cfg.resume).get("sr", {}).get("called") if cfg.get("resume") else None
    return first or called(default)


def carried(cfg: DictConfig) -> dict[str, Any]:
    """A checkpoint's record of its run in plain values: recipe, config, the network's config with all values filled in, and
    the commands that made it (sr/run/history.py)."""
    return {
        "recipe": choice("model", ""),
        "called": table_name(cfg, ""),
        "config": reloadable.plain(OmegaConf.to_container(cfg, resolve=False)),
        "network": reloadable.plain(OmegaConf.to_container(cfg.network, resolve=True)),
        "segments": record(cfg).get("segments"),
    }
