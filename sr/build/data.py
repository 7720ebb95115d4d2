"""Builds the LightningDataModules: training data with validation sets and benchmarks, or benchmarks alone."""

from omegaconf import DictConfig

from sr.augmentation.chain import Chain as Augmentations
from sr.build.benchmark import benchmark, limits
from sr.build.degradation import degradation, sets
from sr.build.image import image
from sr.build.node import build, chosen, group
from sr.cli import choice
from sr.data.benchmarks import Benchmarks
from sr.data.module import SRData
from sr.errors import InputError


def data(cfg: DictConfig) -> SRData:
    """The LightningDataModule for training.

    Raises:
        InputError: data of pictures for a network of volumes or clips, or the reverse.
    """
    if "frames" in cfg.data and cfg.data._target_ == f"{SRData.__module__}.{SRData.__name__}":
        raise InputError(
            f"the recipe is for clips (data.frames={cfg.data.frames}), but data={choice('data', 'data')} has pictures: pass "
            "data=clips, or another model"
        )
    if bool(cfg.get("axes")) != ("axes" in cfg.data):
        raise InputError(
            f"axes={cfg.axes} is for volumes, but data={choice('data', 'data')} has pictures: pass data=volumes, or axes=null"
            if cfg.get("axes")
            else "data=volumes needs axes=through_plane or axes=isotropic, and a network for volumes: pass model=edsr3d"
        )
    degrade, augment = degradation(cfg, group(cfg, "degradation")), Augmentations(build(group(cfg, "augmentation")))
    if still := [name for name, stage in augment.stages.items() if degrade.makes_bursts and not stage.clips]:
        raise InputError(f"augmentation={still[0]} is for pictures: with degradation=[burst,...] pass augmentation=[flip,turn]")
    return build(
        cfg.data,
        benchmark=benchmark(cfg),
        validation=sets(cfg, "validation", chosen(cfg, "validation")),
        degradation=degrade,
        augmentation=augment,
        accumulate=cfg.trainer.accumulate_grad_batches,
        **limits(cfg),
    )


def benchmarks(cfg: DictConfig) -> Benchmarks:
    """The LightningDataModule for benchmarks alone."""
    wanted = limits(cfg)
    if wanted["limit_test"] == 0:
        raise InputError("no images to measure: trainer.limit_test_batches=0")
    return Benchmarks(benchmark=benchmark(cfg), kind=image(cfg), **wanted)
