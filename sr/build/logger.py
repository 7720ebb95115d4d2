"""Builds Lightning's loggers and gives them the run's config."""

import os
import secrets
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers import Logger

from sr.build.image import image
from sr.build.node import build, group
from sr.build.record import origin
from sr.cli import choice, job_number, overrides
from sr.cli.words import key_of
from sr.logger import environment
from sr.logger.csv import CSV


def settle_wandb(cfg: DictConfig) -> None:
    """Write W&B's environment variables into the config, and the id of the run, which checkpoints keep."""
    if "wandb" not in group(cfg, "logger"):
        return
    if not cfg.get("resume"):  # a resumed run keeps its project and id
        environment.apply(cfg.logger.wandb, {key_of(word) for word in overrides()})
    if not cfg.logger.wandb.run_id:
        cfg.logger.wandb.run_id = os.environ.get("WANDB_RUN_ID") or secrets.token_hex(4)  # of a W&B sweep: set by its agent


def loggers(cfg: DictConfig) -> list[Logger]:
    """The loggers of the config, plus metrics.csv, from which reports are made."""
    built = {name: build(node, **_dashboard(cfg, name)) for name, node in group(cfg, "logger").items()}
    if built and "csv" not in built:
        built["csv"] = CSV(file=f"{cfg.output_dir}/metrics.csv")
    return list(built.values())


def log_config(loggers: list[Logger], cfg: DictConfig) -> None:
    """Give each logger the config, the command and the commit of the run."""
    for logger in loggers:
        logger.log_hyperparams(OmegaConf.to_container(cfg, resolve=True) | origin(cfg))


def _dashboard(cfg: DictConfig, logger: str) -> dict[str, Any]:
    """By what W&B lists a run: tags (study, recipe, scale), the name of a variant, the group of a sweep."""
    if logger != "wandb":
        return {}
    study, variant = cfg.get("study"), cfg.get("variant")
    tags = [*cfg.logger.wandb.tags, choice("model", ""), f"x{cfg.scale}", study, variant]
    named = {"name": f"{variant}_seed-{cfg.seed}"} if variant and not cfg.logger.wandb.name else {}
    if job_number() is not None and not cfg.logger.wandb.group:  # a job's folder is one in its sweep's
        named["group"] = Path(cfg.output_dir).parent.name
    return {"tags": list(dict.fromkeys(tag for tag in tags if tag)), "private": image(cfg).private, **named}
