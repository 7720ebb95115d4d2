"""The run's degradation, and the evaluation sets whose LR a degradation makes."""

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sr.build.image import image
from sr.build.node import build
from sr.degradation.chain import Chain
from sr.degradation.pipeline import Pipeline
from sr.errors import InputError


def degradation(cfg: DictConfig, stages: Any) -> Chain:
    """The stages of a config, one after the other, at the scale of the run."""
    return Chain(build(stages), scale=cfg.scale, levels=image(cfg).levels)


def sets(cfg: DictConfig, group: str, nodes: Mapping[str, Any]) -> dict[str, Any]:
    """Evaluation sets; one whose LR a degradation makes (`degradation: ${degradation}`) gets it with what identifies it."""
    found = {}
    for name, node in nodes.items():
        finished = {}
        if "degradation" in node:
            stages = OmegaConf.select(cfg, f"{group}.{name}.degradation", throw_on_resolution_failure=False)
            if not stages:
                raise InputError(f"{group} {name} has no degradation to make LR with: pass degradation=[realesrgan] or another")
            config = OmegaConf.to_container(stages, resolve=True)
            finished["degradation"] = Pipeline(",".join(config), degradation(cfg, stages), config)
        found[name] = build(node, **finished)
    return found
