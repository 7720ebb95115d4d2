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
        InputError: data of pictures for a network of volumes, or the reverse.
    """
    if bool(cfg.get("axes")) != ("axes" in cfg.data):
        raise InputError(
            f"axes={cfg.axes} is for volumes, but data={choice('data', 'data')} has pictures: pass data=volumes, or axes=null"
            if cfg.get("axes")
            else "data=volumes needs axes=through_plane or axes=isotropic, and a network for volumes: pass model=edsr3d"
        )
    return build(
        cfg.data,
        benchmark=benchmark(cfg),
        validation=sets(cfg, "validation", chosen(cfg, "validation")),
        degradation=degradation(cfg, group(cfg, "degradation")),
        augmentation=Augmentations(build(group(cfg, "augmentation"))),
        accumulate=cfg.trainer.accumulate_grad_batches,
        **limits(cfg),
    )


def benchmarks(cfg: DictConfig) -> Benchmarks:
    """The LightningDataModule for benchmarks alone."""
    wanted = limits(cfg)
    if wanted["limit_test"] == 0:
        raise InputError("no images to measure: trainer.limit_test_batches=0")
    return Benchmarks(benchmark=benchmark(cfg), kind=image(cfg), **wanted)
