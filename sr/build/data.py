"""The LightningDataModules: training data with validation sets and benchmarks, and benchmarks alone."""

from omegaconf import DictConfig

from sr.augmentation.chain import Chain as Augmentations
from sr.build.benchmark import benchmark, limits
from sr.build.image import image
from sr.build.node import build, chosen, group
from sr.data.module import Benchmarks, SRData
from sr.degradation.chain import Chain as Degradations
from sr.errors import InputError


def data(cfg: DictConfig) -> SRData:
    """The LightningDataModule of a training."""
    return build(
        cfg.data,
        benchmark=benchmark(cfg),
        validation={name: build(node) for name, node in chosen(cfg, "validation").items()},
        degradation=Degradations(build(group(cfg, "degradation")), scale=cfg.scale, levels=image(cfg).levels),
        augmentation=Augmentations(build(group(cfg, "augmentation"))),
        accumulate=cfg.trainer.accumulate_grad_batches,
        **limits(cfg),
    )


def benchmarks(cfg: DictConfig) -> Benchmarks:
    """The LightningDataModule of benchmarks alone."""
    wanted = limits(cfg)
    if wanted["limit_test"] == 0:
        raise InputError("nothing to measure on: trainer.limit_test_batches=0 leaves no image")
    return Benchmarks(benchmark=benchmark(cfg), kind=image(cfg), **wanted)
