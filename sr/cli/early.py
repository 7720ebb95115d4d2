"""Refuses a wrong degradation before Lightning and the rest of a run are imported, which takes three times as long."""

from hydra.utils import instantiate
from omegaconf import DictConfig

from sr.cli import aliases, signature


def check_degradation(cfg: DictConfig) -> None:
    """Build the stages of a training's degradation as `sr.build.degradation` will, and forget them: milliseconds.

    Raises:
        InputError: an option, or the scale of all stages together, is wrong; the line is that of the run itself.
    """
    if not cfg.get("degradation"):
        return
    aliases.update(cfg.degradation)
    signature.check(cfg.degradation)
    stages = instantiate(cfg.degradation, _convert_="all")
    levels = cfg.image.levels if cfg.get("image") else 255
    chain = {"_target_": "sr.degradation.chain.Chain", "scale": cfg.scale, "levels": levels}
    if cfg.get("axes"):  # a run on volumes
        chain |= {"_target_": "sr.degradation.volume_chain.VolumeChain", "axes": cfg.axes}
    instantiate(chain, stages=stages, _convert_="all")
