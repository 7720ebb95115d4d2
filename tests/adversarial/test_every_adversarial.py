"""Every criterion of conf/adversarial keeps the contract, and each formula equals one computed otherwise."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from sr.adversarial.base import Adversarial
from sr.adversarial.r1 import r1_penalty
from sr.adversarial.wgan_gp import gradient_penalty

FILES = sorted((Path(__file__).parents[2] / "conf" / "adversarial").glob("*.yaml"))


def criterion(name: str, **options) -> Adversarial:
    config = OmegaConf.load(FILES[0].parent / f"{name}.yaml")
    config.update(options)
    return instantiate(config, _convert_="all")


@pytest.fixture
def logits():
    """Real and fake of a PatchGAN's shape, float64, far enough from 0 that all branches of the hinge are met."""
    generator = torch.Generator().manual_seed(0)
    return [2 * torch.randn(3, 1, 4, 5, generator=generator, dtype=torch.float64) + shift for shift in (0.5, -0.5)]


def log_sigmoid(x):
    return -np.logaddexp(0, -x)


def by_hand(name, real, fake):
    """(generator's, discriminator's) in numpy, from the papers."""
    if name == "vanilla":  # log(1 - s(x)) = log s(-x)
        return -log_sigmoid(fake).mean(), -log_sigmoid(real).mean() - log_sigmoid(-fake).mean()
    if name == "lsgan":
        return 0.5 * ((fake - 1) ** 2).mean(), 0.5 * ((real - 1) ** 2).mean() + 0.5 * (fake**2).mean()
    if name == "absolute":
        s_real, s_fake = np.exp(log_sigmoid(real)), np.exp(log_sigmoid(fake))
        return abs(s_fake - 1).mean(), (abs(s_real - 1).mean() + abs(s_fake).mean()) / 2
    if name == "hinge":
        return -fake.mean(), np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean()
    if name == "wgan_gp":
        return -fake.mean(), fake.mean() - real.mean()
    ra_real, ra_fake = real - fake.mean(), fake - real.mean()
    generator = -log_sigmoid(-ra_real).mean() - log_sigmoid(ra_fake).mean()
    return generator / 2, (-log_sigmoid(ra_real).mean() - log_sigmoid(-ra_fake).mean()) / 2


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_losses_equal_the_papers(file, logits):
    ours = criterion(file.stem)
    real, fake = logits
    values = ours.generator(fake, real), ours.discriminator(real, fake)
    expected = by_hand(file.stem, real.numpy(), fake.numpy())
    assert [value.item() for value in values] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_accuracy_is_the_share_of_logits_on_the_right_side(file, logits):
    """Of 0, of least squares' 1/2, or of the others' mean; half of what is drawn from one distribution."""
    real, fake = (one.numpy() for one in logits)
    relative = file.stem in ("ragan", "wgan_gp")
    below, above = (fake.mean(), real.mean()) if relative else (0.5, 0.5) if file.stem == "lsgan" else (0.0, 0.0)
    ours = criterion(file.stem)
    assert [one.item() for one in ours.accuracy(*logits)] == pytest.approx([(real > below).mean(), (fake < above).mean()])
    right = ours.accuracy(torch.full((3,), 3.0), torch.tensor([-3.0, -3.0, 5.0]))
    assert [one.item() for one in right] == pytest.approx([1, 2 / 3])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_descent_moves_logits_the_right_way(file):
    ours = criterion(file.stem)
    generator = torch.Generator().manual_seed(0)  # between the goals of least squares, 0 and 1
    real, fake = (torch.rand(3, 1, 4, 5, generator=generator).requires_grad_() for _ in range(2))
    ours.discriminator(real, fake).backward()
    assert real.grad.sum() < 0 < fake.grad.sum()
    fake.grad = None
    ours.generator(fake, real.detach()).backward()
    assert fake.grad.sum() < 0


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_bounded_criteria_are_0_where_the_discriminator_is_always_right(file):
    ours = criterion(file.stem)
    right, wrong = (
        (torch.ones(1), torch.zeros(1)) if file.stem == "lsgan" else (torch.full((1,), 40.0), torch.full((1,), -40.0))
    )
    assert (abs(ours.discriminator(right, wrong).item()) < 1e-6) == ours.bounded


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_half_precision_logits_lose_nothing_more(file, logits):
    ours = criterion(file.stem)
    half = [x.half() for x in logits]
    assert ours.discriminator(*half).dtype == torch.float32
    assert ours.discriminator(*half) == ours.discriminator(*(x.float() for x in half))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_yaml_names_the_module(file):
    module = OmegaConf.load(file)["_target_"].split(".")[2]
    assert re.match(rf"{module}(_|$)", file.stem) and file.read_text().startswith("# ")


class Quadratic(torch.nn.Module):
    """D(x) = sum of a * x^2 over an image, whose gradient is 2 a x."""

    def __init__(self):
        super().__init__()
        self.a = torch.nn.Parameter(torch.tensor(0.3, dtype=torch.float64))

    def forward(self, image):
        return self.a * image.square().sum((1, 2, 3), keepdim=True)


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(4, 3, 5, 6, generator=generator, dtype=torch.float64) for _ in range(2)]


def test_gradient_penalty_by_hand(images):
    hr, sr = images
    mix = torch.tensor([0.0, 0.25, 0.5, 1.0], dtype=torch.float64)
    discriminator = Quadratic()
    penalty = gradient_penalty(discriminator, hr, sr, mix)
    x = np.stack([m * h + (1 - m) * s for m, h, s in zip(mix.numpy(), hr.numpy(), sr.numpy(), strict=True)])
    lengths = np.sqrt((x**2).sum((1, 2, 3)))
    assert penalty.item() == pytest.approx(((0.6 * lengths - 1) ** 2).mean())
    penalty.backward()  # the second derivative: d/da of mean (2 a |x| - 1)^2
    assert discriminator.a.grad.item() == pytest.approx((2 * (0.6 * lengths - 1) * 2 * lengths).mean())


def test_r1_by_hand(images):
    discriminator = Quadratic()
    penalty = r1_penalty(discriminator, images[0])
    squares = (images[0] ** 2).sum((1, 2, 3)).numpy()
    assert penalty.item() == pytest.approx((0.36 * squares).mean() / 2)
    penalty.backward()
    assert discriminator.a.grad.item() == pytest.approx((4 * 0.3 * squares).mean())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_r1_comes_to_any_of_them(file, images):
    hr, sr = (image.float() for image in images)
    mix = torch.rand(4, generator=torch.Generator().manual_seed(0))
    discriminator = Quadratic().float()
    without = criterion(file.stem).penalty(discriminator, hr, sr, mix)
    with_r1 = criterion(file.stem, r1=2.0).penalty(discriminator, hr, sr, mix)
    assert (without is None) == (file.stem != "wgan_gp")
    torch.testing.assert_close(with_r1, 2 * r1_penalty(discriminator, hr) + (0 if without is None else without))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_penalty_that_would_pay_is_refused(file):
    with pytest.raises(Exception, match=r"InputError.*adversarial\.r1=-1.0: must be at least 0"):
        criterion(file.stem, r1=-1.0)
    if "gradient_penalty" in OmegaConf.load(file):
        with pytest.raises(Exception, match=r"InputError.*adversarial\.gradient_penalty=-10.0: must be at least 0"):
            criterion(file.stem, gradient_penalty=-10.0)
