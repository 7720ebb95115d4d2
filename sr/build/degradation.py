"""The run's degradation, and the evaluation sets whose LR a degradation makes."""

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sr.build.image import image
from sr.build.node import build, plain
from sr.cli import CONF, groups
from sr.degradation.chain import Chain
from sr.degradation.pipeline import Pipeline
from sr.degradation.volume_chain import VolumeChain
from sr.errors import InputError

_USUAL = {"clips": "[bicubic]", "bursts": "[burst,bicubic]"}  # of the modules of sr.benchmark; of pictures the blind one


def degradation(cfg: DictConfig, stages: Any) -> Chain | VolumeChain:
    """The stages of a config, one after the other, at the scale of the run; with `axes` those of volumes."""
    if axes := plain(cfg.get("axes")):
        return VolumeChain(build(stages), scale=cfg.scale, axes=axes, levels=image(cfg).levels)
    return Chain(build(stages), scale=cfg.scale, levels=image(cfg).levels)


def sets(cfg: DictConfig, group: str, nodes: Mapping[str, Any]) -> dict[str, Any]:
    """Evaluation sets; one whose LR a degradation makes gets it with what identifies it.

    A list of numbers of frames, `benchmark.bursts.frames=[1,4,16]`, makes a set for each of them.

    Its key `degradation` has the run's (`${degradation}`), or names of conf/degradation: `bsrgan`, `[blur,bicubic]`.
    """
    found = {}
    for name, node in nodes.items():
        finished = {}
        if "degradation" in node:
            stages = OmegaConf.select(cfg, f"{group}.{name}.degradation", throw_on_resolution_failure=False)
            if isinstance(stages, str) or OmegaConf.is_list(stages):
                stages = named(cfg, [stages] if isinstance(stages, str) else list(stages), f"{group}.{name}.degradation")
            if not stages:
                usual = _USUAL.get(str(node.get("_target_")).split(".")[-2], "[realesrgan]")
                raise InputError(f"{group} {name} has no degradation to make LR with: pass degradation={usual} or another")
            config = OmegaConf.to_container(stages, resolve=True)
            finished["degradation"] = Pipeline(",".join(config), degradation(cfg, stages), config)
        numbers = node.get("frames")
        if OmegaConf.is_list(numbers):  # of bursts: a set for each number of frames
            found |= {f"{name}_{n}": build(node, **finished, frames=n, name=f"{name}_{n}") for n in numbers}
        else:
            found[name] = build(node, **finished)
    return found


def named(cfg: DictConfig, names: list[str], key: str) -> DictConfig:
    """The stages of conf/degradation of these names, at the scale and for the images of the run.

    Raises:
        InputError: there is none of a name.
    """
    files = [CONF / "degradation" / f"{name}.yaml" for name in names]
    for name, file in zip(names, files, strict=True):
        if not file.is_file():
            choices = groups.choices("degradation")
            raise InputError(f"{key}={name}: not there{groups.nearest(name, choices)}; choices: {', '.join(choices)}")
    stages = OmegaConf.merge(*map(OmegaConf.load, files))
    known = {
        "scale": cfg.scale,
        "axes": cfg.get("axes"),
        "image": OmegaConf.to_container(cfg.image, resolve=True),
        "degradation": stages,
    }
    return OmegaConf.create(known).degradation
