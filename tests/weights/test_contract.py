"""Contracts: what a class from outside must do is tried on a tiny image, and what it need not say has a default."""

import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sr.loss.weighted_sum import WeightedSum
from sr.weights import contract
from tests.jobs import compose, run_train
from tests.network.further import Kernel


class Plain(nn.Module):
    """x2, with batch norm and dropout, and none of our attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.BatchNorm2d(12), nn.Dropout(0.5))

    def forward(self, lr):
        return F.pixel_shuffle(self.body(lr), 2)


class Made(Plain):
    """What its first argument makes of the image."""

    def __init__(self, change) -> None:
        super().__init__()
        self.change = change

    def forward(self, lr):
        return self.change(super().forward(lr))


class UNet(Plain):
    """Halves the image three times."""

    def forward(self, lr):
        small = F.avg_pool2d(lr, 8)
        return super().forward(lr + F.interpolate(small, scale_factor=8))


def test_a_plain_network_has_defaults_and_stays_as_it_was():
    network = Plain()
    network.body[1].eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    numbers = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    assert contract.network(network, 2) is network and (network.scale, network.multiple_of) == (2, 1)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), numbers[0]) and random.getstate() == numbers[1]
    assert (np.random.get_state()[1] == numbers[2]).all()
    assert network.training and network.body[0].training and not network.body[1].training
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_network_that_draws_and_counts_in_forward_stays_as_it_was():
    class Counting(Plain):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, lr):
            self.calls += 1
            return super().forward(lr) + torch.rand(()) + np.random.rand() + random.random()

    network, numbers = Counting(), torch.get_rng_state()
    contract.network(network, 2)
    assert network.calls == 0 and torch.equal(torch.get_rng_state(), numbers)


@pytest.mark.parametrize(
    "network, line",
    [
        (Made(lambda sr: (sr, sr)), "Made: forward returns a tuple, expected one tensor"),
        (
            Made(lambda sr: sr[..., ::2, ::2]),
            r"Made turns \(1, 3, 8, 9\) into \(1, 3, 8, 9\); expected \(1, 3, 16, 18\) at scale=2",
        ),
        (Made(lambda sr: sr.transpose(2, 3)), r"Made turns .* into \(1, 3, 18, 16\)"),
        (Made(lambda sr: sr / 0), "Made returns NaN or infinite values"),
        (Made(lambda sr: (sr * 255).byte()), "Made returns torch.uint8"),
        (Made(lambda sr: sr.detach()), "no gradient reaches its 4 parameters"),
        (Made(lambda sr: sr.detach().requires_grad_()), "no gradient reaches any of its 4 parameters"),
        (UNet(), "UNet accepts 64x64 pixels but not 32x33 .*: set its attribute multiple_of"),
    ],
)
def test_what_a_network_does_not_keep_is_one_line(network, line):
    with pytest.raises(contract.InputError, match=line) as caught:
        contract.network(network, 2)
    assert "\n" not in str(caught.value)


def test_attributes_that_do_not_fit():
    network = Plain()
    network.scale = 3
    with pytest.raises(contract.InputError, match="Plain enlarges by 3, but scale=2"):
        contract.network(network, 2)
    network = UNet()
    network.multiple_of = 8
    contract.network(network, 2)
    with pytest.raises(
        contract.InputError, match="data.patch_size=20: UNet accepts only multiples of 8; pass data.patch_size=16"
    ):
        contract.network(network, 2, [16, 20])


class Sized(Plain):
    """x2, or to the size that it is told, changed."""

    def __init__(self, scales, change=lambda size: size) -> None:
        super().__init__()
        self.scales, self.change = scales, change

    def forward(self, lr, size):
        return F.interpolate(super().forward(lr), size=self.change(size))


def test_a_network_of_any_scale_is_tried_at_a_size_of_its_own():
    network = Sized((1, 4))
    network.scale = 3
    assert contract.network(network, 2).scale == 3  # the run's is what the data has
    rounded = Sized((1, 4), lambda size: [side // 2 * 2 for side in size])
    with pytest.raises(contract.InputError, match=r"Sized turns .* into .*; expected \(1, 3, 17, 17\) with size=\(17, 17\)"):
        contract.network(rounded, 2)
    for scales in (None, (4, 1), 4, (1, "4"), (-1, 2)):
        with pytest.raises(contract.InputError, match=r"Sized.scales is .*: set it to the smallest and largest scale"):
            contract.network(Sized(scales), 2)


def test_a_network_that_takes_more_than_the_image_is_not_tried():
    assert contract.network(Kernel(scale=2), 2).multiple_of == 1
    with pytest.raises(contract.InputError, match="Kernel enlarges by 2, but scale=3"):
        contract.network(Kernel(scale=2), 3)


def test_a_mistake_in_forward_is_raised_as_it_is():
    def broken(sr):
        first, second = (1, 2, 3)
        return first + second

    with pytest.raises(ValueError, match="too many values") as caught:
        contract.network(Made(broken), 2)
    assert not isinstance(caught.value, contract.InputError)


def test_a_network_of_other_bands():
    class Bands(nn.Module):
        channels = 5

        def forward(self, lr):
            return F.interpolate(lr, scale_factor=2)

    assert contract.network(Bands(), 2).channels == 5


@pytest.mark.parametrize("name", ["swinir_light", "omnisr", "span", "unet", "rrdb_light", "srcnn"])
def test_networks_of_this_project_keep_it(name):
    from sr import build

    network = build.build(compose("train", f"network={name}", "scale=2").network)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    contract.network(network, 2)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


class Loss(nn.Module):
    def __init__(self, compute) -> None:
        super().__init__()
        self.compute = compute

    def forward(self, sr, hr):
        return self.compute(sr, hr)


@pytest.mark.parametrize(
    "compute, line",
    [
        (lambda sr, hr: (sr - hr).abs(), r"must return a scalar, the mean over the batch \(shape \(1, 3, 64, 64\)\)"),
        (lambda sr, hr: 0.5, r"must return a scalar, the mean over the batch \(float\)"),
        (lambda sr, hr: (sr - hr).mean().log(), "returns nan for two images"),
        (lambda sr, hr: (sr.detach() - hr).abs().mean(), "passes no gradient"),
        (lambda sr, hr: (sr - sr).mean().sqrt(), "passes no finite gradient"),
    ],
)
def test_a_loss_that_is_none(compute, line):
    with pytest.raises(contract.InputError, match=f"loss.mine: Loss {line}"):
        contract.loss("loss.mine", Loss(compute))


def test_losses_of_torch_count_once():
    losses = {"l1": nn.L1Loss(), "bce": nn.BCELoss()}  # the second has a `weight` of its own, None
    contract.all_of(contract.loss, "loss", losses)
    total, parts = WeightedSum(losses)(torch.full((1, 3, 4, 4), 0.25), torch.full((1, 3, 4, 4), 0.5))
    assert total == parts["l1"] + parts["bce"] and parts["l1"] == 0.25


def test_a_metric_gives_one_number():
    class Map(nn.Module):
        def forward(self, sr, hr):
            return (sr - hr).abs()

    with pytest.raises(contract.InputError, match=r"metric.map: Map returns shape \(1, 3, 96, 96\) for one image"):
        contract.metric("metric.map", Map())
    contract.metric("metric.l1", nn.L1Loss())


def test_a_discriminator_makes_logits():
    class Judge(nn.Module):
        def forward(self, image):
            return image.mean().detach()

    with pytest.raises(
        contract.InputError, match="discriminator: Judge does not return finite logits with a gradient for 16x16 pixels"
    ):
        contract.discriminator(Judge(), 16)
    contract.discriminator(nn.Conv2d(3, 1, 3), 16)


def test_a_run_with_a_plain_loss_of_torch(tmp_path):
    words = ["+loss.mine={_target_: torch.nn.SmoothL1Loss}", f"output_dir={tmp_path}/run", f"data_dir={tmp_path}/data"]
    assert run_train(*words, "trainer.max_steps=2") > 10


@pytest.mark.medium
def test_from_python_a_run_without_a_folder_gets_one(tmp_path, monkeypatch, capsys):
    from sr.cli.train import train
    from tests.jobs import ONE_PHOTO, SMALL

    monkeypatch.chdir(tmp_path)
    train(compose("train", *SMALL, *ONE_PHOTO, "trainer.max_steps=1", f"data_dir={tmp_path}/data"))
    assert not (tmp_path / "None").exists()
    (folder,) = (tmp_path / "outputs" / "compact").iterdir()
    assert (folder / "metrics.json").is_file()
    assert f"output_dir is not set: writing to outputs/compact/{folder.name}" in capsys.readouterr().out
