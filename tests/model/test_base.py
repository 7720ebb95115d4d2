"""Evaluation by the papers' protocol, and what checkpoints keep."""

import pytest
import torch
from torch import nn

from sr.data.benchmarks import Benchmarks
from sr.functional.resize import imresize
from sr.metric.psnr import PSNR
from sr.model.base import SRModule
from sr.network.interpolation import Interpolation
from tests.trainer import at, trainer


class Loss(nn.Linear):
    """Weights that are no part of the result."""


def module(**options) -> SRModule:
    model = SRModule(network=Interpolation(scale=2), metric={"psnr": PSNR(crop_border=2)}, **options)
    run, _ = trainer(model)
    run.datamodule, run.testing = Benchmarks(benchmark={"a": None, "b": None}), True
    at(run, 3)
    model.log_dict = lambda values, **_: model.logged.update(values)
    model.logged = {}
    return model


def image(name: str, seed: int, size: tuple[int, int] = (24, 30)) -> dict:
    hr = (torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(seed)) * 255).round() / 255
    return {"name": [name], "hr": hr, "lr": imresize(hr, 1 / 2, rounding=True)}


def test_images_are_scored_one_by_one_then_averaged_then_sets():
    model, images = module(), [image("x", 0), image("y", 1, (40, 20)), image("z", 2)]
    model.on_validation_epoch_start()
    for data, which in zip(images, (0, 0, 1), strict=True):
        model.validation_step(data, 0, which)
    model.on_validation_epoch_end()
    metric = PSNR(crop_border=2)
    x, y, z = (metric(imresize(data["lr"], size=tuple(data["hr"].shape[-2:])), data["hr"]).item() for data in images)
    assert model.logged["val/a/psnr"] == pytest.approx((x + y) / 2, abs=1e-4)
    assert model.logged["val/b/psnr"] == pytest.approx(z, abs=1e-4)
    assert model.logged["val/psnr"] == pytest.approx(((x + y) / 2 + z) / 2, abs=1e-4)


def test_a_test_has_bicubic_beside_it_and_nothing_of_an_earlier_one():
    model = module()
    for name in ("old", "new"):
        model.on_test_epoch_start()
        for which in (0, 1):
            model.test_step(image(name, which), 0, which)
        model.on_test_epoch_end()
    assert model.results["a"]["images"].keys() == {"new"}
    assert model.results["a"]["bicubic"]["psnr"] == pytest.approx(model.results["a"]["psnr"], abs=0.1)


def test_a_benchmark_without_images_is_an_error():
    model = module()
    model.on_test_epoch_start()
    model.test_step(image("x", 0), 0, 0)
    with pytest.raises(ValueError, match="set b has no images"):
        model.on_test_epoch_end()


def test_evaluation_is_in_float32_under_autocast():
    plain, mixed = module(), module()
    with torch.autocast("cpu", torch.bfloat16):
        low = mixed.validation_step(image("x", 0), 0, 0)
    assert torch.equal(low["sr"], plain.validation_step(image("x", 0), 0, 0)["sr"])


def test_a_checkpoint_keeps_network_and_average_alone():
    model = SRModule(network=nn.Conv2d(3, 3, 1), metric={}, ema=0.9)
    model.loss = Loss(2, 2)
    checkpoint = {"state_dict": dict(model.state_dict())}
    model.on_save_checkpoint(checkpoint)
    assert {key.split(".")[0] for key in checkpoint["state_dict"]} == {"network", "average"}
    model.on_load_checkpoint(checkpoint)
    checkpoint["state_dict"].pop("network.weight")
    with pytest.raises(ValueError, match="another network: 1 keys differ, such as network.weight"):
        model.on_load_checkpoint(checkpoint)
